"""Tabs of a namespace's settings: variables, plugin defaults, and who may use it. Inherited ones with their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, ProductError
from apps.common.pages import IN_VIEW
from apps.namespaces.catalog.yaml_text import read_yaml, write_yaml
from apps.namespaces.models import Namespace
from apps.namespaces.selectors import inherited, merged_variables
from apps.namespaces.services import NamespaceSettings, create_namespace, update_namespace
from apps.namespaces.views.frame import namespace_context
from apps.rbac.decisions import check_can

PERMISSION = "NAMESPACE"


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_variables(request: HttpRequest, namespace: str) -> HttpResponse:
    """Own ones as YAML, inherited ones by source, and what a flow sees."""
    context = namespace_context(request, namespace, tab="variables")
    return render(request, "namespaces/variables.html", {**context, **_variables(namespace)})


@access(PERMISSION, "UPDATE", namespace=IN_VIEW)
def save_variables(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """What was typed stays on the page when it is wrong."""
    context = namespace_context(request, namespace, tab="variables", action="UPDATE")
    text = request.POST.get("variables", "")
    try:
        given = read_yaml(text) or {}
        if not isinstance(given, Mapping):
            raise IllegalArgument("Variables are a map of names to values.")
        _change(request, namespace, variables=dict(given))
    except ProductError as error:
        shown = {**context, **_variables(namespace), "text": text, "errors": [error.message]}
        return render(request, "namespaces/variables.html", shown, status=error.status)
    return _saved(request, namespace, "namespace_variables", "Variables saved.")


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_defaults(request: HttpRequest, namespace: str) -> HttpResponse:
    """Own ones as YAML, inherited ones by source, nearest first: the order in which they win."""
    context = namespace_context(request, namespace, tab="defaults")
    return render(request, "namespaces/defaults.html", {**context, **_defaults(namespace)})


@access(PERMISSION, "UPDATE", namespace=IN_VIEW)
def save_defaults(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """What was typed stays on the page when it is wrong."""
    context = namespace_context(request, namespace, tab="defaults", action="UPDATE")
    text = request.POST.get("defaults", "")
    try:
        given = read_yaml(text) or []
        if not isinstance(given, list) or not all(isinstance(entry, Mapping) for entry in given):
            raise IllegalArgument("Plugin defaults are a list of maps with `type`, `values` and perhaps `forced`.")
        _change(request, namespace, plugin_defaults=given)
    except ProductError as error:
        shown = {**context, **_defaults(namespace), "text": text, "errors": _told(error)}
        return render(request, "namespaces/defaults.html", shown, status=error.status)
    return _saved(request, namespace, "namespace_defaults", "Plugin defaults saved.")


@access(PERMISSION, "UPDATE", namespace=IN_VIEW)
def show_edit(request: HttpRequest, namespace: str) -> HttpResponse:
    """Description, and which namespaces may use this one."""
    context = namespace_context(request, namespace, tab="edit", action="UPDATE")
    return render(request, "namespaces/edit.html", {**context, **_edited(namespace)})


@access(PERMISSION, "UPDATE", namespace=IN_VIEW)
def save_edit(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """`use`: all, none, or some: the names in `allowed`, one a line."""
    context = namespace_context(request, namespace, tab="edit", action="UPDATE")
    use, allowed = request.POST.get("use", "inherit"), request.POST.get("allowed", "").split()
    try:
        if use == "some" and not allowed:
            raise IllegalArgument("Name the namespaces that may use this one, one a line, or choose another answer.")
        chosen: list[str] | None = {"some": allowed, "none": []}.get(use)
        _change(request, namespace, description=request.POST.get("description", "").strip(), allowed_namespaces=chosen)
    except ProductError as error:
        given = {"use": use, "allowed": "\n".join(allowed), "description": request.POST.get("description", "")}
        shown = {**context, **_edited(namespace), **given, "errors": _told(error)}
        return render(request, "namespaces/edit.html", shown, status=error.status)
    return _saved(request, namespace, "namespace_edit", "Namespace saved.")


def _change(request: HttpRequest, namespace: str, **changes: Any) -> None:
    row, user = Namespace.objects.filter(pk=namespace).first(), current_user(request)
    if row is None:
        check_can(user, PERMISSION, "CREATE", namespace)
        create_namespace(acting_user=user, namespace=namespace, settings=NamespaceSettings(**changes))
        return
    present = NamespaceSettings(
        description=row.description,
        variables=row.variables,
        plugin_defaults=row.plugin_defaults,
        allowed_namespaces=row.allowed_namespaces,
        worker_group=row.worker_group,
    )
    update_namespace(acting_user=user, namespace=namespace, settings=replace(present, **changes))


def _variables(namespace: str) -> dict[str, Any]:
    row = Namespace.objects.filter(pk=namespace).first()
    found = inherited(namespace)
    return {
        "text": write_yaml(row.variables if row else {}),
        "inherited": [(source, write_yaml(values)) for source, values in found.variables if source != namespace],
        "effective": write_yaml(merged_variables(namespace)),
        "errors": [],
    }


def _defaults(namespace: str) -> dict[str, Any]:
    row = Namespace.objects.filter(pk=namespace).first()
    found = inherited(namespace)
    return {
        "text": write_yaml(row.plugin_defaults if row else []),
        "inherited": [
            (source, write_yaml([dict(entry) for entry in entries]))
            for source, entries in found.plugin_defaults
            if source != namespace
        ],
        "errors": [],
    }


def _edited(namespace: str) -> dict[str, Any]:
    row = Namespace.objects.filter(pk=namespace).first()
    allowed = None if row is None else row.allowed_namespaces
    deciding = inherited(namespace).allowed
    return {
        "created": row is not None,
        "description": row.description if row else "",
        "use": "inherit" if allowed is None else "some" if allowed else "none",
        "allowed": "\n".join(allowed or ()),
        "deciding": None if deciding is None or deciding[0] == namespace else deciding,
        "errors": [],
    }


def _told(error: ProductError) -> list[str]:
    return [f"{problem.path}: {problem.message}" for problem in getattr(error, "problems", ())] or [error.message]


def _saved(request: HttpRequest, namespace: str, route: str, text: str) -> HttpResponseBase:
    messages.success(request, text)
    return redirect(reverse(f"ui:{route}", kwargs={"tenant": require_tenant(), "namespace": namespace}))
