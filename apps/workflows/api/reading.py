"""What the endpoints read from a request, and whom they let see what: small steps that all of them share."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import yaml
from django.db import DataError
from django.http import HttpRequest, HttpResponse, QueryDict
from rest_framework.request import Request

from apps.common.api import query_number
from apps.common.clock import now as read_clock
from apps.common.errors import BadRequest, IllegalArgument, Invalid, NotFound
from apps.common.pagination import read_page
from apps.common.search_filters import BadFilter, Criterion, parse_api_filters
from apps.common.search_filters.address import TYPED
from apps.common.search_filters.as_api import typed_criteria
from apps.common.search_filters.keys import Keys
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.plugin_api.task import Level
from apps.workflows.schemas.flows import bulk_error_json
from apps.workflows.selectors.executions import ExecutionHead, ExecutionRow, find_execution, find_head
from apps.workflows.services.bulk_executions import UnfitExecutions

MAX_SIZE: Final = 1000
"""Most results on a page."""
MAX_SOURCE_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page, its size, and the columns to order by (those that begin with - descending)."""

    size: int
    offset: int
    order: tuple[str, ...]


def read_page_asked(
    query: QueryDict, *, sortable: Mapping[str, str], default: Sequence[str] = (), default_size: int | None = None
) -> PageAsked:
    """`page`, `size`, `sort`. BadRequest, IllegalArgument."""
    size = query_number(query, "size", default_size)
    if size is not None and size > MAX_SIZE:
        raise IllegalArgument(f"'size' must be from 1 to {MAX_SIZE}.")
    asked = read_page(query, sortable=sortable, default=default)
    size = size if size is not None else asked.size
    if size < 1:
        raise IllegalArgument(f"'size' must be from 1 to {MAX_SIZE}.")
    return PageAsked(size, (asked.page - 1) * size, asked.order)


@contextmanager
def filters_of_the_caller() -> Iterator[None]:
    """A filter that cannot be understood, here or by the database, is the caller's mistake: BadRequest."""
    try:
        yield
    except BadFilter as error:
        raise BadRequest(str(error)) from error
    except DataError as error:
        raise BadRequest(f"A filter cannot be used: {str(error).splitlines()[0]}") from error


def read_criteria(query: QueryDict, fields: Collection[str], keys: Keys | None = None) -> list[Criterion]:
    """The filters of a list, flat and bracketed; with ``keys`` also `query`, as it is typed on pages. BadFilter.

    Words of a typed filter are UTC's days: the API knows no reader's time zone.
    """
    criteria = parse_api_filters(
        ((name, value) for name, values in query.lists() for value in values), fields=tuple(fields)
    )
    if keys is not None and (typed := query.get(TYPED)):
        criteria += typed_criteria(str(typed), keys, now=read_clock(), zone=ZoneInfo("UTC"))
    return criteria


def read_level(query: QueryDict, name: str = "minLevel") -> Level | None:
    """A level of the query string. BadRequest."""
    word = query.get(name)
    if not word:
        return None
    if word.upper() not in Level.__members__:
        raise BadRequest(f"'{name}' must be one of {', '.join(Level)}, not '{word[:20]}'.")
    return Level(word.upper())


def read_labels(query: QueryDict) -> list[tuple[str, str]]:
    """`labels=key:value`, repeatable; a value may hold colons. IllegalArgument."""
    found = []
    for text in query.getlist("labels"):
        key, colon, value = text.partition(":")
        if not colon:
            raise IllegalArgument(f"A label needs a key and a value, write it as key:value; got `{text[:80]}`")
        found.append((key, value))
    return found


def read_source(request: Request) -> str:
    """The body as YAML; a JSON body is written as YAML. Invalid when it is neither text nor JSON."""
    content = raw_request(request).body
    if len(content) > MAX_SOURCE_BYTES:
        raise IllegalArgument(f"A body may have {MAX_SOURCE_BYTES // 1024 // 1024} MiB.")
    try:
        text = content.decode()
        if (request.content_type or "").split(";")[0].strip().lower() == "application/json":
            return json_as_yaml(json.loads(text or "null"))
    except ValueError as error:
        raise Invalid(
            f"The body is not {'UTF-8 text' if isinstance(error, UnicodeDecodeError) else 'JSON'}: {error}."
        ) from error
    return text


def json_as_yaml(value: Any) -> str:
    """A flow sent as JSON, as the YAML that is kept. Several flows become several documents."""
    documents = value if isinstance(value, list) else [value]
    return "\n---\n".join(
        document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        for document in documents
    )


def read_ids(request: Request) -> list[str]:
    """A body that is a list of ids. Invalid."""
    ids = request.data
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Invalid('The body must be a JSON list of ids: ["…", "…"].')
    return ids


def answer_json(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Plain values as they are: nulls inside outputs and inputs stay, which the renderer of other endpoints drops."""
    return HttpResponse(plain_json(value), status=status, content_type="application/json", headers=headers)


def plain_json(value: Any) -> bytes:
    """JSON text of plain values."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def answer_unfit(action: str, error: UnfitExecutions) -> HttpResponse:
    """400 with each execution that does not qualify; nothing was done."""
    body = bulk_error_json(
        f"invalid bulk {action}", [(one.execution_id, one.message) for one in error.unfit], "execution"
    )
    return answer_json(body, status=400)


def get_execution(request: Request, execution_id: str, *, action: str = "READ") -> ExecutionRow:
    """An execution on which the caller may do this. NotFound also for one he may not even see; Forbidden."""
    found = find_execution(execution_id)
    check_visible(request, execution_id, found, action=action)
    return cast(ExecutionRow, found)


def get_head(request: Request, execution_id: str, *, action: str = "READ") -> ExecutionHead:
    """The same, when its name and state are enough."""
    found = find_head(execution_id)
    check_visible(request, execution_id, found, action=action)
    return cast(ExecutionHead, found)


def check_visible(
    request: Request, execution_id: str, found: ExecutionHead | ExecutionRow | None, *, action: str
) -> None:
    """NotFound when there is none or the caller may not do this with it."""
    if found is None or not can(request.user, "EXECUTION", action, found.namespace):
        raise NotFound(f"Execution {execution_id[:60]} not found")


def seen_by(request: Request, permission: str, action: str = "READ") -> list[str] | None:
    """The namespaces in which the caller may; None for all."""
    return visible_namespaces(request.user, permission, action)


def raw_request(request: Request) -> HttpRequest:
    """Django's own request, with the tenant that the middleware found."""
    return request._request


def tenant_of(request: Request) -> str:
    """Id of the open tenant."""
    return str(raw_request(request).tenant.pk)  # type: ignore[attr-defined]
