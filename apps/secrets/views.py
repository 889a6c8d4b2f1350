"""Tab of a namespace's secrets: own and inherited keys, never a value."""

from __future__ import annotations

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
from apps.namespaces.views.frame import namespace_context
from apps.secrets.services import (
    delete_secret,
    describe_secret,
    is_read_only,
    list_inherited_secrets,
    list_secrets,
    save_secret,
)

PERMISSION = "SECRET"


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_secrets(request: HttpRequest, namespace: str) -> HttpResponse:
    """`key` opens one in the form, without its value."""
    context = namespace_context(request, namespace, tab="secrets")
    return render(
        request, "secrets/list.html", {**context, **_listed(request, namespace), "error": "", "form_data": None}
    )


@access(PERMISSION, "READ", namespace=IN_VIEW)
def change_secrets(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """`action`: `save` (a value that is left empty stays), or `delete`. A value that was typed is never sent back."""
    action, key = request.POST.get("action", ""), request.POST.get("key", "").strip()
    needed = "DELETE" if action == "delete" else "UPDATE"
    context = namespace_context(request, namespace, tab="secrets", action=needed)
    user = current_user(request)
    try:
        if action == "delete":
            delete_secret(acting_user=user, namespace=namespace, key=key)
        else:
            _save(request, namespace, key)
    except ProductError as error:
        given = {name: request.POST.get(name, "") for name in ("key", "description", "tags")}
        shown = {**context, **_listed(request, namespace), "error": error.message, "form_data": given}
        return render(request, "secrets/list.html", shown, status=error.status)
    messages.success(request, f"'{key}' {'deleted' if action == 'delete' else 'saved'}.")
    return redirect(reverse("ui:namespace_secrets", kwargs={"tenant": require_tenant(), "namespace": namespace}))


def _save(request: HttpRequest, namespace: str, key: str) -> None:
    value, description = request.POST.get("value", ""), request.POST.get("description", "").strip()
    tags = _tags(request.POST.get("tags", ""))
    if not value and request.POST.get("is_new") != "1":
        describe_secret(
            acting_user=current_user(request), namespace=namespace, key=key, description=description, tags=tags
        )
        return
    save_secret(
        acting_user=current_user(request),
        namespace=namespace,
        key=key,
        value=value.replace("\r\n", "\n"),
        description=description,
        tags=tags,
    )


def _tags(text: str) -> dict[str, str]:
    """One `key: value` a line. IllegalArgument."""
    tags: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise IllegalArgument(f"A tag is written `key: value`, one a line; '{line[:60]}' is not.")
        tags[name.strip()] = value.strip()
    return tags


def _listed(request: HttpRequest, namespace: str) -> dict[str, Any]:
    """What can be shown; a manager that cannot be reached, or may not be from here, is told on the page."""
    text = request.GET.get("q", "").strip().casefold()
    shown: dict[str, Any] = {
        "q": text,
        "metas": [],
        "inherited": [],
        "unreachable": "",
        "read_only": True,
        "opened": None,
    }
    try:
        shown["read_only"] = is_read_only(namespace)
        shown["metas"] = [meta for meta in list_secrets(namespace) if text in meta.key.casefold()]
        shown["inherited"] = [
            (source, [key for key in keys if text in key.casefold()])
            for source, keys in list_inherited_secrets(namespace).items()
        ]
    except ProductError as error:
        shown["unreachable"] = error.message
    key = request.GET.get("key", "")
    shown["opened"] = next((meta for meta in shown["metas"] if meta.key == key), None)
    return shown
