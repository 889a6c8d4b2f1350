"""What the editor asks while somebody types: suggestions, what a word means, the documentation of a type."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import BadRequest, ProductError
from apps.common.markdown import render_markdown
from apps.common.namespace_paths import is_namespace
from apps.namespaces.selectors import list_kv_keys
from apps.rbac.decisions import can, visible_namespaces
from apps.secrets.services import list_inherited_secrets, list_secrets
from apps.workflows.flow_language.completion import Around, complete, explain
from apps.workflows.flow_language.known_names import names_in
from apps.workflows.selectors.flows import add_visible, list_namespaces, not_deleted, search_flows
from apps.workflows.services.plugin_documents import plugin_document
from apps.workflows.views.flow_source import posted_source

MOST_NAMES: Final = 200
"""Most flows, keys or secrets that are suggested."""


@access("FLOW", "READ")
def complete_source(request: HttpRequest) -> JsonResponse:
    """Suggestions at `line` and `column` (from 0) of the posted `source`: `start`, where the typed part begins in its
    line, and `options`. Names of keys and secrets only where the person may read them; never a value."""
    source, line, column = _place(request)
    text = source.split("\n")
    here = text[line][:column] if line < len(text) else ""
    found = complete(source, line, column, _around(current_user(request), source, line, here))
    return JsonResponse({"start": found.start, "options": [_shown(asdict(one)) for one in found.options]})


@access("FLOW", "READ")
def explain_source(request: HttpRequest) -> JsonResponse:
    """What the word at a place means: `title`, and `html` that is safe to show; both empty when nothing is known."""
    title, text = explain(*_place(request))
    return JsonResponse({"title": title, "html": render_markdown(text, top_heading=3) if text else ""})


@access("FLOW", "READ")
def show_type(request: HttpRequest) -> HttpResponse:
    """The documentation of the type `type`, as a fragment: its text, properties and outputs. 404 for an unknown one."""
    name = request.GET.get("type", "")
    document = plugin_document(name)
    properties = document["schema"]["properties"]
    outputs = document["schema"]["outputs"] or {}
    context = {
        "type_name": name,
        "title": properties.get("title", ""),
        "text": properties.get("description", ""),
        "deprecated": properties.get("deprecated", False),
        "properties": _rows(properties),
        "outputs": _rows(outputs),
        "examples": properties.get("$examples", []),
    }
    return render(request, "workflows/flows/_type.html", context)


def _place(request: HttpRequest) -> tuple[str, int, int]:
    line, column = request.POST.get("line", ""), request.POST.get("column", "")
    if not (line.isdecimal() and column.isdecimal() and len(line) < 8 and len(column) < 8):
        raise BadRequest("'line' and 'column' are needed: numbers, counted from 0.")
    return posted_source(request), int(line), int(column)


def _shown(option: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: a list of types is long."""
    return {key: value for key, value in option.items() if value}


def _around(user: User, source: str, line: int, here: str) -> Around:
    """Only what the place can use is read: at most two queries, or a call to the secret backend."""
    if "secret(" in here:
        return Around(secrets=_secrets(user, names_in(source, line).namespace))
    if "kv(" in here:
        namespace = names_in(source, line).namespace
        allowed = is_namespace(namespace) and can(user, "KVSTORE", "READ", namespace)
        return Around(keys=tuple(list_kv_keys(namespace)[:MOST_NAMES]) if allowed else ())
    if "namespace:" in here or "flowId:" in here:
        conditions = not_deleted()
        add_visible(conditions, visible_namespaces(user, "FLOW"))
        rows, _ = search_flows(conditions, order=(), offset=0, size=MOST_NAMES)
        return Around(namespaces=tuple(list_namespaces(conditions)), flows=tuple(row.flow_id for row in rows))
    return Around()


def _secrets(user: User, namespace: str) -> tuple[str, ...]:
    if not is_namespace(namespace) or not can(user, "SECRET", "READ", namespace):
        return ()
    try:
        names = [meta.key for meta in list_secrets(namespace)]
        names += [key for keys in list_inherited_secrets(namespace).values() for key in keys]
    except ProductError:
        return ()  # a backend that is down must not stop somebody from typing; the namespace's page tells why
    return tuple(dict.fromkeys(names))[:MOST_NAMES]


def _rows(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required = set(schema.get("required", ()))
    rows = [
        {
            "name": name,
            "kind": _kind(part),
            "required": name in required,
            "dynamic": bool(part.get("x-kestra-dynamic")),
            "default": part.get("default"),
            "values": part.get("enum", ()),
            "text": part.get("title") or part.get("description") or "",
        }
        for name, part in schema.get("properties", {}).items()
        if name not in ("id", "type")
    ]
    return sorted(rows, key=lambda row: not row["required"])


def _kind(part: dict[str, Any]) -> str:
    kinds = [one.get("type", "") for one in part.get("anyOf", [part])]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
