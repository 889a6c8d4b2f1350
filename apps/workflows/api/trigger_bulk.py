"""Triggers, several at once: switch, unlock, delete, backfills; and the table of a search."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db import close_old_connections, transaction
from django.db.models import Q
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import parse_shape, query_flag, read_body
from apps.common.errors import IllegalArgument, Invalid
from apps.rbac.decisions import visible_namespaces
from apps.workflows.api.describe import TEXT, describe, flag
from apps.workflows.api.reading import filters_of_the_caller, read_criteria, seen_by, tenant_of
from apps.workflows.api.triggers import FIELDS, QUERY, TAG, allowed
from apps.workflows.models import TriggerState
from apps.workflows.schemas.flows import BulkShape
from apps.workflows.schemas.triggers import CSV_COLUMNS, SetDisabledShape, TriggerKeyShape, trigger_columns
from apps.workflows.selectors.filter_keys import TRIGGER_KEYS
from apps.workflows.selectors.triggers import MOST, page_of_triggers, triggers_after, triggers_meeting
from apps.workflows.services.backfills import delete_backfill, pause_backfill
from apps.workflows.services.following import in_tenant
from apps.workflows.services.triggers import delete_trigger, hold_in_order, switch_trigger, unlock_trigger

KEYS: Final = list[TriggerKeyShape]
Key = TriggerKeyShape


Act = Callable[..., TriggerState]


@dataclass(frozen=True, slots=True)
class Bulk:
    """An action on several triggers: its word in the address, what it does, on which of those that a query finds."""

    word: str
    act: Act
    fits: Callable[[TriggerState], bool]
    action: str = "UPDATE"


def _paused(row: TriggerState) -> bool:
    return row.backfill is not None and bool(row.backfill.get("paused"))


PAUSE: Final = Bulk(
    "pause",
    lambda **more: pause_backfill(**more, paused=True),
    lambda row: row.backfill is not None and not _paused(row),
)
UNPAUSE: Final = Bulk("unpause", lambda **more: pause_backfill(**more, paused=False), _paused)
DELETE: Final = Bulk("delete", lambda **more: delete_backfill(**more), lambda row: row.backfill is not None)
UNLOCK: Final = Bulk(
    "unlock",
    lambda **more: unlock_trigger(**more),
    lambda row: row.execution_id is not None or row.evaluating_since is not None,
)
DELETE_ROW: Final = Bulk("delete", lambda **more: delete_trigger(**more), lambda row: True, "DELETE")
BACKFILL_BULKS: Final = (PAUSE, UNPAUSE, DELETE)


def by_triggers(bulk: Bulk) -> Callable[[Request], dict[str, int]]:
    """The route that does it to the triggers of the body: all of them or none."""

    @describe(BulkShape, body=KEYS, tag=TAG)
    @access("EXECUTION", bulk.action)
    def act(request: Request) -> dict[str, int]:
        """Act on the named triggers, all or none."""
        return _act(request, _keys(request.data), bulk.act, bulk.action)

    return act


def by_query(bulk: Bulk) -> Callable[[Request], dict[str, int]]:
    """The route that does it to those that a query finds and that fit."""

    @describe(BulkShape, query=QUERY, tag=TAG)
    @access("EXECUTION", bulk.action)
    def act(request: Request) -> dict[str, int]:
        """Act on the triggers that a query finds."""
        return _act(
            request, [_key(row) for row in _found(request, bulk.action) if bulk.fits(row)], bulk.act, bulk.action
        )

    return act


unlock_by_triggers = by_triggers(UNLOCK)
unlock_by_query = by_query(UNLOCK)
delete_by_triggers = by_triggers(DELETE_ROW)
delete_by_query = by_query(DELETE_ROW)


@describe(BulkShape, body=SetDisabledShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def set_disabled_by_triggers(request: Request) -> dict[str, int]:
    """Disable or enable the named triggers, all or none."""
    sent = read_body(request, SetDisabledShape)
    return _act(request, sent.triggers, lambda **more: switch_trigger(**more, disabled=sent.disabled))


@describe(BulkShape, query=(*QUERY, flag("disabled", "true when not given.")), tag=TAG)
@access("EXECUTION", "UPDATE")
def set_disabled_by_query(request: Request) -> dict[str, int]:
    """Disable or enable the triggers that a query finds."""
    disabled = query_flag(request.query_params, "disabled", default=True)
    keys = [_key(row) for row in _found(request) if row.disabled != disabled]
    return _act(request, keys, lambda **more: switch_trigger(**more, disabled=disabled))


@describe(TEXT, query=QUERY, tag=TAG)
@access("FLOW", "READ")
def export_csv(request: Request) -> StreamingHttpResponse:
    """The triggers that a query finds, as a table with a line each, streamed."""
    with filters_of_the_caller():
        where = triggers_meeting(read_criteria(request.query_params, FIELDS, TRIGGER_KEYS), seen_by(request, "FLOW"))
        first = triggers_after(where, 0)
    close_old_connections()
    return StreamingHttpResponse(
        _table(tenant_of(request), where, first),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="triggers.csv"'},
    )


async def _table(tenant: str, where: Q, rows: list[TriggerState]) -> AsyncIterator[bytes]:
    yield _lines([CSV_COLUMNS])
    while rows:
        yield _lines([trigger_columns(row) for row in rows])
        rows = await in_tenant(tenant, partial(triggers_after, where), rows[-1].pk)


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _act(request: Request, keys: Sequence[Key], act: Act, action: str = "UPDATE") -> dict[str, int]:
    if len(keys) > MOST:
        raise IllegalArgument(f"One call can act on {MOST} triggers; narrow the query.")
    named = {(key.namespace, key.flow_id, key.trigger_id): key for key in keys}
    with transaction.atomic():
        hold_in_order(sorted(named))
        for key in named.values():
            act(acting_user=request.user, **allowed(request, key, action))
    return {"count": len(named)}


def _found(request: Request, action: str = "UPDATE") -> list[TriggerState]:
    with filters_of_the_caller():
        where = triggers_meeting(read_criteria(request.query_params, FIELDS, TRIGGER_KEYS), seen_by(request, "FLOW"))
        where &= triggers_meeting((), visible_namespaces(request.user, "EXECUTION", action))
        return page_of_triggers(where, order=(), size=MOST + 1)[0]


def _keys(data: Any) -> list[Key]:
    if not isinstance(data, list):
        raise Invalid("The body must be a JSON list of triggers with `namespace`, `flowId` and `triggerId`.")
    return [parse_shape(one, TriggerKeyShape) for one in data]


def _key(row: TriggerState) -> Key:
    return TriggerKeyShape(namespace=row.namespace, flow_id=row.flow_id, trigger_id=row.trigger_id)
