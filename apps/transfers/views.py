"""The page where a namespace's, or the tenant's, storage and secret backend are chosen, tried and copied into."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access, super_admin
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, ProductError
from apps.common.pages import IN_VIEW
from apps.isolation.catalog import Kind
from apps.isolation.forms import backend_fields, read_fields, shown_values
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.selectors import backend_types
from apps.isolation.services import check_connection, clear_choice, save_choice
from apps.namespaces.views.frame import namespace_context
from apps.transfers.selectors import ShownPlace, show_place
from apps.transfers.services import cancel_transfer, check_may_copy, start_transfer

ACTIONS: Final = ("show", "test", "save", "copy", "cancel")


@dataclass
class Section:
    """One kind on the page: what holds, the form of the type that is looked at, and what came of the last button."""

    place: ShownPlace
    type: str
    form: forms.Form
    types: list[str]
    missing: list[str] = field(default_factory=list)
    error: str = ""
    passed: str = ""

    @property
    def kind(self) -> Kind:
        return self.place.kind

    @property
    def title(self) -> str:
        return "File storage" if self.kind is Kind.STORAGE else "Secrets"


@access("NAMESPACE", "UPDATE", namespace=IN_VIEW)
def show_isolation(request: HttpRequest, namespace: str) -> HttpResponse:
    """What holds for storage and secrets, and who says so."""
    context = namespace_context(request, namespace, tab="isolation", action="UPDATE")
    return _page(request, "transfers/namespace.html", context, namespace, {})


@access("NAMESPACE", "UPDATE", namespace=IN_VIEW)
def change_isolation(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """`kind` and `action`: `show` another type's form, `test` it, `save` it, `copy` from the one before, `cancel`."""
    context = namespace_context(request, namespace, tab="isolation", action="UPDATE")
    address = reverse("ui:namespace_isolation", kwargs={"tenant": require_tenant(), "namespace": namespace})
    return _changed(request, "transfers/namespace.html", context, namespace, address)


@super_admin
def show_tenant_isolation(request: HttpRequest) -> HttpResponse:
    """The same for all of the tenant that no namespace has chosen otherwise for."""
    return _page(request, "transfers/tenant.html", {}, WHOLE_TENANT, {})


@super_admin
def change_tenant_isolation(request: HttpRequest) -> HttpResponseBase:
    """As of a namespace."""
    address = reverse("ui:tenant_isolation", kwargs={"tenant": require_tenant()})
    return _changed(request, "transfers/tenant.html", {}, WHOLE_TENANT, address)


def _changed(
    request: HttpRequest, template: str, context: Mapping[str, Any], namespace: str, address: str
) -> HttpResponseBase:
    action = request.POST.get("action", "")
    try:
        kind = Kind(request.POST.get("kind", ""))
    except ValueError as error:
        raise BadRequest("`kind` is storage or secret.") from error
    if action not in ACTIONS:
        raise BadRequest(f"`action` is one of {', '.join(ACTIONS)}.")
    section = _section(kind, namespace, request)
    try:
        done = _done(request, section, namespace, action)
    except ProductError as error:
        section.error = error.message
        return _page(request, template, context, namespace, {kind: section}, status=error.status)
    if not done:
        return _page(request, template, context, namespace, {kind: section})
    messages.success(request, done)
    return redirect(f"{address}#{kind}")


def _done(request: HttpRequest, section: Section, namespace: str, action: str) -> str:
    """What to say on the next page; empty when this one is shown again."""
    user, kind = current_user(request), section.kind
    if action == "copy":
        if namespace:
            check_may_copy(user, kind, namespace)
        start_transfer(acting_user=user, kind=kind, namespace=namespace)
        return "The copy has begun."
    if action == "cancel":
        cancel_transfer(acting_user=user, kind=kind, namespace=namespace)
        return "The copy was cancelled; what was copied stays."
    if action == "show":
        return ""
    if not section.type:
        if action == "save" and clear_choice(acting_user=user, kind=kind, namespace=namespace):
            return f"{section.title}: as around it."
        return ""
    if not section.form.is_valid():
        told = [f"{name}: {text}" for name, texts in section.form.errors.items() for text in texts]
        section.error = "; ".join(told)
        return ""
    _, configuration = read_fields(kind, {**section.form.cleaned_data, str(kind): section.type})
    if action == "test":
        began = time.monotonic()
        check_connection(acting_user=user, kind=kind, namespace=namespace, type_name=section.type,
                         configuration=configuration)  # fmt: skip
        section.passed = f"{time.monotonic() - began:.1f} s"
        return ""
    save_choice(acting_user=user, kind=kind, namespace=namespace, type_name=section.type, configuration=configuration)
    return f"{section.title}: {section.type}."


def _page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    namespace: str,
    done: Mapping[Kind, Section],
    status: int = 200,
) -> HttpResponse:
    sections = [done.get(kind) or _section(kind, namespace) for kind in Kind]
    return render(request, template, {**context, "sections": sections, "place": namespace}, status=status)


def _section(kind: Kind, namespace: str, request: HttpRequest | None = None) -> Section:
    """With what was sent, else with what is stored."""
    place, known = show_place(kind, namespace), backend_types(kind)
    available = [found.type for found in known if found.available]
    own = "" if place.own is None else place.own.type
    chosen = own if request is None else request.POST.get("type", "")
    chosen = chosen if chosen in available else ""
    initial = shown_values(kind, place.own)
    shown = forms.Form(request.POST if request is not None else None, initial=initial, auto_id="field-%s")
    if request is not None and request.POST.get("action") in ("show", "copy", "cancel"):
        shown = forms.Form(initial=initial, auto_id="field-%s")
    if chosen:
        start = f"{kind}__{chosen}__"
        shown.fields = {name: made for name, made in backend_fields(kind).items() if name.startswith(start)}
        for made in shown.fields.values():
            made.label = str(made.label).removeprefix(f"{chosen}: ")
    missing = [f"{found.type}: {found.reason}" for found in known if not found.available]
    return Section(place, chosen, shown, available, missing)
