"""Pages of namespaces that need flows: the tree of them all, one's overview, and deleting it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, ProductError
from apps.common.namespace_paths import is_namespace, is_within, is_within_any, lineage
from apps.common.pages import IN_VIEW
from apps.isolation.catalog import Kind
from apps.isolation.selectors import read_choices, resolve
from apps.namespaces.models import Namespace
from apps.namespaces.selectors import inherited
from apps.namespaces.services import NamespaceSettings, create_namespace
from apps.namespaces.views.frame import namespace_context
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.workflows.selectors.namespaces import count_flows, list_all_namespaces
from apps.workflows.services.namespaces import delete_namespace

PERMISSION = "NAMESPACE"


@dataclass(frozen=True)
class Leaf:
    """A line of the tree. `flows` counts those of itself alone."""

    id: str
    depth: int
    placeholder: bool
    description: str
    flows: int
    own_storage: bool
    own_secrets: bool

    @property
    def label(self) -> str:
        """The last word; the line above says the rest."""
        return self.id.rsplit(".", 1)[-1] if self.depth else self.id


@access(PERMISSION, "READ")
def list_namespaces(request: HttpRequest) -> HttpResponse:
    """A tree; a search keeps what lies above what it finds. Five queries."""
    return _list(request)


@access(PERMISSION, "CREATE")
def create(request: HttpRequest) -> HttpResponseBase:
    """A namespace by its name."""
    name = request.POST.get("id", "").strip()
    try:
        if not is_namespace(name):
            raise IllegalArgument("A namespace is lower-case words of letters, digits, '-' and '_', joined by dots.")
        check_can(request.user, PERMISSION, "CREATE", name)
        create_namespace(acting_user=current_user(request), namespace=name, settings=NamespaceSettings())
    except ProductError as error:
        return _list(request, error=error.message, given=name, status=error.status)
    messages.success(request, f"Namespace {name} created.")
    return redirect(reverse("ui:namespace_edit", kwargs={"tenant": require_tenant(), "namespace": name}))


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_namespace(request: HttpRequest, namespace: str) -> HttpResponse:
    """What it is, what it gives to flows and where its things lie, and what is below it."""
    context = namespace_context(request, namespace, tab="overview")
    found, user = inherited(namespace), current_user(request)
    row = Namespace.objects.filter(pk=namespace).first()
    below = [one.id for one in list_all_namespaces(visible_namespaces(user, PERMISSION))
             if one.id != namespace and is_within(one.id, namespace)]  # fmt: skip
    shown = {
        "row": row,
        "flows": count_flows([namespace]).get(namespace, 0) if can(user, "FLOW", "READ", namespace) else None,
        "below": below[:100],
        "variables": [(source, sorted(values)) for source, values in found.variables],
        "defaults": [(source, [entry["type"] for entry in entries]) for source, entries in found.plugin_defaults],
        "allowed": found.allowed,
        "storage": resolve(Kind.STORAGE, namespace),
        "secret": resolve(Kind.SECRET, namespace),
    }
    return render(request, "workflows/namespaces/overview.html", {**context, **shown})


@access(PERMISSION, "DELETE", namespace=IN_VIEW)
def ask_delete(request: HttpRequest, namespace: str) -> HttpResponse:
    """Its name must be typed: what goes cannot be had back."""
    context = namespace_context(request, namespace, tab="edit", action="DELETE")
    return render(request, "workflows/namespaces/delete.html", {**context, "error": ""})


@access(PERMISSION, "DELETE", namespace=IN_VIEW)
def remove(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """Refused while it has flows, with the counts."""
    context = namespace_context(request, namespace, tab="edit", action="DELETE")
    try:
        if request.POST.get("confirm", "").strip() != namespace:
            raise IllegalArgument(f"Type {namespace} to delete it.")
        delete_namespace(acting_user=current_user(request), namespace=namespace)
    except ProductError as error:
        shown = {**context, "error": error.message}
        return render(request, "workflows/namespaces/delete.html", shown, status=error.status)
    messages.success(request, f"Namespace {namespace} deleted.")
    return redirect(reverse("ui:namespaces", kwargs={"tenant": require_tenant()}))


def _list(request: HttpRequest, *, error: str = "", given: str = "", status: int = 200) -> HttpResponse:
    user, text = current_user(request), request.GET.get("q", "").strip().casefold()
    visible = visible_namespaces(user, PERMISSION)
    known = list_all_namespaces(visible)
    wanted = {level for one in known if text in one.id for level in lineage(one.id)}
    flows = count_flows([one.id for one in known])
    spots = {kind: set(read_choices(kind).spots()) for kind in Kind}
    leaves = [
        Leaf(
            one.id,
            one.id.count("."),
            one.disabled,
            one.description or "",
            flows.get(one.id, 0),
            one.id in spots[Kind.STORAGE],
            one.id in spots[Kind.SECRET],
        )
        for one in sorted(known, key=lambda one: (one.id.split(".")[0] != "system", one.id.split(".")))
        if one.id in wanted
    ]
    context = {
        "leaves": leaves,
        "total": len(known),
        "q": text,
        "may_create": can(user, PERMISSION, "CREATE"),
        "partly": visible is not None and not is_within_any("", visible),
        "error": error,
        "given": given,
    }
    return render(request, "workflows/namespaces/list.html", context, status=status)
