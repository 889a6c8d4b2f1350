"""Tab of a namespace's KV pairs: list, one pair to set or change, and deleting."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import ProductError
from apps.common.pages import IN_VIEW
from apps.namespaces.catalog import KvType, TypedValue, parse_body, type_value
from apps.namespaces.selectors import list_kv, require_kv
from apps.namespaces.services import KeyExists, delete_kv_keys, set_kv
from apps.namespaces.views.frame import namespace_context

PERMISSION = "KVSTORE"
MOST_SHOWN = 500
LONGEST_SHOWN = 20_000


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_pairs(request: HttpRequest, namespace: str) -> HttpResponse:
    """`q` searches keys; `key` opens one pair in the form, with its value."""
    context = namespace_context(request, namespace, tab="kv")
    form: dict[str, Any] = {"key": "", "type": "STRING", "value": "", "ttl": "", "description": ""}
    form |= {"is_new": True, "too_long": False}
    error = ""
    if key := request.GET.get("key", ""):
        try:
            form |= {"key": key, "is_new": False} | _opened(namespace, key)
        except ProductError as problem:
            error = problem.message
    return render(request, "namespaces/kv.html", {**context, **_listed(request, namespace), "form_data": form,
                                                  "error": error})  # fmt: skip


@access(PERMISSION, "READ", namespace=IN_VIEW)
def change_pairs(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """`action`: `save` the form's pair, or `delete` those ticked in `keys`."""
    if request.POST.get("action") == "delete":
        namespace_context(request, namespace, tab="kv", action="DELETE")
        gone = delete_kv_keys(acting_user=current_user(request), namespace=namespace, keys=request.POST.getlist("keys"))
        messages.success(request, f"{len(gone)} deleted.")
        return _back(namespace)
    overwrites = request.POST.get("is_new") != "1"
    context = namespace_context(request, namespace, tab="kv", action="UPDATE" if overwrites else "CREATE")
    given = {name: request.POST.get(name, "") for name in ("key", "type", "value", "ttl", "description")}
    try:
        set_kv(
            acting_user=current_user(request),
            namespace=namespace,
            key=given["key"].strip(),
            value=_typed(given["type"], given["value"]),
            ttl=type_value(given["ttl"].strip(), KvType.DURATION).value if given["ttl"].strip() else None,
            description=given["description"],
            overwrite=overwrites,
        )
    except (ProductError, KeyExists) as error:
        told = error.message if isinstance(error, ProductError) else str(error)
        shown = {
            **context,
            **_listed(request, namespace),
            "form_data": {**given, "is_new": not overwrites, "too_long": False},
            "error": told,
        }
        return render(request, "namespaces/kv.html", shown, status=422)
    messages.success(request, f"'{given['key'].strip()}' saved.")
    return _back(namespace)


def _typed(type_name: str, text: str) -> TypedValue:
    """As the form's type reads the text. IllegalArgument."""
    kind = KvType(type_name) if type_name in KvType.__members__ else KvType.STRING
    if kind is KvType.STRING:
        return TypedValue(kind, text)
    if kind in (KvType.DATETIME, KvType.DATE, KvType.DURATION):
        return type_value(text.strip(), kind)
    return type_value(parse_body(text.strip()).value, kind)


def _opened(namespace: str, key: str) -> dict[str, Any]:
    found = require_kv(namespace, key)
    row = list_kv(namespace).get(key=key)
    value = found.to_json()
    if found.type is not KvType.STRING and not isinstance(value, str):
        value = json.dumps(value, indent=2, ensure_ascii=False)
    return {"type": found.type.value, "value": str(value)[:LONGEST_SHOWN], "description": row.description or "",
            "too_long": len(str(value)) > LONGEST_SHOWN}  # fmt: skip


def _listed(request: HttpRequest, namespace: str) -> dict[str, Any]:
    text = request.GET.get("q", "").strip()
    found = list_kv(namespace)
    total = found.count()
    rows = list((found.filter(key__icontains=text) if text else found)[: MOST_SHOWN + 1])
    return {"rows": rows[:MOST_SHOWN], "more": len(rows) > MOST_SHOWN, "total": total, "q": text,
            "types": list(KvType.__members__)}  # fmt: skip


def _back(namespace: str) -> HttpResponseBase:
    return redirect(reverse("ui:namespace_kv", kwargs={"tenant": require_tenant(), "namespace": namespace}))
