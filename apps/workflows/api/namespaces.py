"""Namespaces: lists, and deleting one, which asks for its flows."""

from __future__ import annotations

from operator import attrgetter
from typing import Annotated

from pydantic import Field
from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.api import query_flag, read_body
from apps.common.errors import BadRequest
from apps.common.json_values import Shape
from apps.common.namespace_paths import is_within_any
from apps.common.pagination import Page, read_page
from apps.rbac.decisions import visible_namespaces
from apps.secrets.schemas import SecretEntry
from apps.secrets.services import list_secrets
from apps.workflows.selectors.namespaces import ListedNamespace, list_all_namespaces
from apps.workflows.services.namespaces import delete_namespace

PERMISSION = "NAMESPACE"
MOST_COMPLETED = 100
MOST_ASKED = 500
"""Namespaces whose secrets one request lists: each may be a call to a secret manager."""


class NamespaceSecret(SecretEntry):
    """A secret without its value, and where it is."""

    namespace: str


class Ids(Shape):
    """Namespaces that are in the answer in any case, if they may be seen."""

    ids: Annotated[list[str], Field(max_length=1000)] = Field(default_factory=list)


@access(PERMISSION, "READ")
def search_namespaces(request: Request) -> Page[ListedNamespace]:
    """Those created, used by flows, or above such. `disabled`: never created; `existing=true` leaves these out."""
    query = request.query_params
    wanted = read_page(query, sortable={"id": "id"})
    found = list_all_namespaces(
        visible_namespaces(request.user, PERMISSION),
        text=query.get("q", ""),
        existing=query_flag(query, "existing"),
    )
    if wanted.order == ("-id",):
        found.reverse()
    return Page(found[wanted.offset : wanted.offset + wanted.size], len(found))


@access("SECRET", "READ", namespace_query="namespace")
def search_secrets(request: Request) -> Page[NamespaceSecret]:
    """Keys of the secrets of all namespaces that may be seen, never values.

    `namespace`: it and those below; `q`: a part of the key. Each namespace's backend is asked: 400 for more than 500.
    """
    query = request.query_params
    within, text = query.get("namespace", ""), query.get("q", "").casefold()
    names = [
        found.id
        for found in list_all_namespaces(visible_namespaces(request.user, "SECRET"))
        if not within or is_within_any(found.id, [within])
    ]
    if len(names) > MOST_ASKED:
        raise BadRequest(
            f"There are {len(names)} namespaces: give one in `namespace`, with at most {MOST_ASKED} below it."
        )
    wanted = read_page(query, sortable={"namespace": "namespace", "key": "key"}, default=("namespace",))
    found = [
        NamespaceSecret(namespace=name, **SecretEntry.of(meta).model_dump())
        for name in names
        for meta in list_secrets(name)
        if text in meta.key.casefold()
    ]
    for order in reversed(wanted.order):
        found.sort(key=attrgetter(order.lstrip("-")), reverse=order.startswith("-"))
    return Page(found[wanted.offset : wanted.offset + wanted.size], len(found))


@access(PERMISSION, "READ")
def complete_namespace(request: Request) -> list[str]:
    """Names that hold the text `q`, the first hundred; and those of the body."""
    kept = set(read_body(request, Ids).ids) if request.data else set()
    text = request.query_params.get("q", "").casefold()
    names = [found.id for found in list_all_namespaces(visible_namespaces(request.user, PERMISSION))]
    fitting = {name for name in names if text in name}
    return sorted(kept & set(names) | set(sorted(fitting)[:MOST_COMPLETED]))


@access(PERMISSION, "DELETE")
def remove_namespace(request: Request, namespace: str) -> None:
    """With its variables, KV pairs, secrets and files. 409, with the counts, while it or one below it has flows."""
    delete_namespace(acting_user=current_user(request), namespace=namespace)
