"""KV pairs of a namespace."""

from __future__ import annotations

import json
from datetime import timedelta

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access, member
from apps.common.api import read_body
from apps.common.errors import Forbidden, Invalid
from apps.namespaces.catalog import KvType, parse_body, type_value
from apps.namespaces.schemas import KvEntry, KvKeys
from apps.namespaces.selectors import kv_exists, list_kv, require_kv
from apps.namespaces.services import KeyExists, delete_kv, delete_kv_keys, set_kv
from apps.rbac.decisions import can, check_can

PERMISSION = "KVSTORE"


@access(PERMISSION, "READ")
def list_pairs(request: Request, namespace: str) -> list[KvEntry]:
    """The pairs of a namespace by key, without values; expired ones are left out."""
    return [KvEntry.of(row) for row in list_kv(namespace)]


@access(PERMISSION, "DELETE")
def delete_pairs(request: Request, namespace: str) -> KvKeys:
    """Delete several pairs at once; the answer names those that were there."""
    keys = read_body(request, KvKeys).keys
    return KvKeys(keys=delete_kv_keys(acting_user=request.user, namespace=namespace, keys=keys))


@access(PERMISSION, "READ")
def show_pair(request: Request, namespace: str, key: str) -> HttpResponse:
    """`{type, value}`; dates and durations as ISO text. 404 for an unknown key, 410 for one that has expired."""
    found = require_kv(namespace, key)
    # Not as the other answers: a null within a value is part of it.
    body = json.dumps({"type": found.type, "value": found.to_json()}, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json")


@member
def save_pair(request: Request, namespace: str, key: str) -> HttpResponse:
    """Create (needs CREATE) or replace (needs UPDATE) a pair.

    The body, of whatever content type, is JSON (`"text"`, `1`, `{"a": 1}`), Ion (`2024-01-31`, `hello`) or else a text
    as it is. Header `ttl`: how long the pair lives, as ISO 8601 (`PT1H`); `description`: shown in lists.
    """
    may_create = can(request.user, PERMISSION, "CREATE", namespace)
    may_update = can(request.user, PERMISSION, "UPDATE", namespace)
    if not may_create and (not may_update or not kv_exists(namespace, key)):
        check_can(request.user, PERMISSION, "CREATE", namespace)
    try:
        body = request.body.decode()
    except UnicodeDecodeError as error:
        raise Invalid("The body is not UTF-8 text.") from error
    try:
        set_kv(
            acting_user=request.user,
            namespace=namespace,
            key=key,
            value=parse_body(body),
            ttl=_ttl(request),
            description=request.headers.get("description"),
            # Decided by the write itself: the pair may have appeared since one looked.
            overwrite=may_update,
        )
    except KeyExists as error:
        raise Forbidden(f"You need {PERMISSION} UPDATE in {namespace} to replace the key '{key}'.") from error
    return HttpResponse(status=200)


@access(PERMISSION, "DELETE")
def delete_pair(request: Request, namespace: str, key: str) -> bool:
    """Whether there was such a pair."""
    return delete_kv(acting_user=request.user, namespace=namespace, key=key)


def _ttl(request: Request) -> timedelta | None:
    text = request.headers.get("ttl", "").strip()
    if not text:
        return None
    found: timedelta = type_value(text, KvType.DURATION).value
    return found
