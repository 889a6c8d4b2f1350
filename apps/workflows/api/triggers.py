"""Triggers: search, switch, unlock, restart, backfills, and why they did or did not start their flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import parse_shape, query_flag, read_body
from apps.common.errors import IllegalArgument, Invalid, NotFound
from apps.common.pagination import Page
from apps.rbac.decisions import check_can, visible_namespaces
from apps.workflows.api.describe import SORTED_PAGE, describe, flag, text
from apps.workflows.api.reading import answer_json, read_page_asked, seen_by
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import TriggerState
from apps.workflows.schemas.flows import BulkShape
from apps.workflows.schemas.triggers import (
    EvaluationShape,
    SetDisabledShape,
    TriggerKeyShape,
    TriggerPageShape,
    TriggerShape,
    TriggersPageShape,
    evaluation_json,
    trigger_json,
)
from apps.workflows.selectors.triggers import (
    MOST,
    SORTABLE,
    find_trigger,
    last_evaluations,
    page_of_triggers,
    search_triggers,
)
from apps.workflows.services.backfills import BackfillRequest, create_backfill, delete_backfill, pause_backfill
from apps.workflows.services.trigger_starts import find_triggered
from apps.workflows.services.triggers import hold_in_order, restart_trigger, switch_trigger, unlock_trigger

TAG: Final = "Triggers"
QUERY: Final = (text("q", "Words of id, flow and namespace."), text("namespace", "With all below it."))
KEYS: Final = list[TriggerKeyShape]
Key = TriggerKeyShape


@describe(TriggersPageShape, query=(*QUERY, text("flowId"), text("workerId"), *SORTED_PAGE), tag=TAG)
@access("FLOW", "READ")
def find_triggers(request: Request) -> HttpResponse:
    """Triggers that the caller may see, each as it is written and where it stands."""
    asked = read_page_asked(request.query_params, sortable=SORTABLE)
    where = search_triggers(
        words=request.query_params.get("q", ""),
        namespace=request.query_params.get("namespace"),
        flow_id=request.query_params.get("flowId"),
        worker_id=request.query_params.get("workerId"),
        seen=seen_by(request, "FLOW"),
    )
    rows, total = page_of_triggers(where, order=asked.order, offset=asked.offset, size=asked.size)
    results = [_with_definition(row) for row in rows]
    return answer_json({"results": results, "total": total})


@describe(TriggerPageShape, query=(text("q"), *SORTED_PAGE), tag=TAG)
@access("FLOW", "READ")
def list_of_flow(request: Request, namespace: str, flow_id: str) -> Page[dict[str, Any]]:
    """The triggers of a flow."""
    asked = read_page_asked(request.query_params, sortable=SORTABLE)
    where = search_triggers(
        words=request.query_params.get("q", ""), namespace=None, flow_id=flow_id, worker_id=None, seen=None
    )
    exactly = where & Q(namespace=namespace)
    rows, total = page_of_triggers(exactly, order=asked.order, offset=asked.offset, size=asked.size)
    return Page([trigger_json(row) for row in rows], total)


@describe(list[EvaluationShape], tag=TAG)
@access("FLOW", "READ")
def read_evaluations(request: Request, namespace: str, flow_id: str, trigger_id: str) -> HttpResponse:
    """The last 20 evaluations of a trigger, newest first: what came of each, and every condition with what it saw."""
    row = find_trigger(namespace, flow_id, trigger_id)
    if row is None:
        raise NotFound(f"Trigger {namespace}.{flow_id}.{trigger_id} not found")
    return answer_json([evaluation_json(held) for held in last_evaluations(row)])


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def change_trigger(request: Request) -> HttpResponse:
    """Switch a trigger by `disabled`, or begin a backfill by `backfill` where there is none."""
    sent = read_body(request, TriggerShape)
    key = _allowed(request, sent)
    row = find_trigger(**key)
    if row is None:
        raise NotFound(f"Trigger {sent.namespace}.{sent.flow_id}.{sent.trigger_id} not found")
    with transaction.atomic():
        if sent.disabled is not None:
            row = switch_trigger(acting_user=request.user, **key, disabled=sent.disabled)
        if sent.backfill is not None and row.backfill is None:
            asked = BackfillRequest(
                sent.backfill.start,
                sent.backfill.end,
                sent.backfill.inputs,
                [(label.key, label.value) for label in sent.backfill.labels or ()],
            )
            row = create_backfill(acting_user=request.user, **key, request=asked)
    return answer_json(trigger_json(row))


@describe(TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def unlock(request: Request, namespace: str, flow_id: str, trigger_id: str) -> HttpResponse:
    """Let a trigger go on though its execution still runs: two may then run at once."""
    check_can(request.user, "FLOW", "READ", namespace)
    row = unlock_trigger(acting_user=request.user, namespace=namespace, flow_id=flow_id, trigger_id=trigger_id)
    return answer_json(trigger_json(row))


@describe(TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def restart(request: Request, namespace: str, flow_id: str, trigger_id: str) -> HttpResponse:
    """Unlock a trigger and let its dates begin from now."""
    check_can(request.user, "FLOW", "READ", namespace)
    row = restart_trigger(acting_user=request.user, namespace=namespace, flow_id=flow_id, trigger_id=trigger_id)
    return answer_json(trigger_json(row))


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def pause_one(request: Request) -> HttpResponse:
    """Pause a backfill."""
    return _on_backfill(request, PAUSE)


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def unpause_one(request: Request) -> HttpResponse:
    """Let a paused backfill go on."""
    return _on_backfill(request, UNPAUSE)


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def delete_one(request: Request) -> HttpResponse:
    """End a backfill; its executions stay."""
    return _on_backfill(request, DELETE)


# Several at once


Act = Callable[..., TriggerState]


@dataclass(frozen=True, slots=True)
class Bulk:
    """An action on several triggers: its word in the address, what it does, on which of those that a query finds."""

    word: str
    act: Act
    fits: Callable[[TriggerState], bool]


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
BACKFILL_BULKS: Final = (PAUSE, UNPAUSE, DELETE)


def by_triggers(bulk: Bulk) -> Callable[[Request], dict[str, int]]:
    """The route that does it to the triggers of the body: all of them or none."""

    @describe(BulkShape, body=KEYS, tag=TAG)
    @access("EXECUTION", "UPDATE")
    def act(request: Request) -> dict[str, int]:
        """Act on the named triggers, all or none."""
        return _act(request, _keys(request.data), bulk.act)

    return act


def by_query(bulk: Bulk) -> Callable[[Request], dict[str, int]]:
    """The route that does it to those that a query finds and that fit."""

    @describe(BulkShape, query=QUERY, tag=TAG)
    @access("EXECUTION", "UPDATE")
    def act(request: Request) -> dict[str, int]:
        """Act on the triggers that a query finds."""
        return _act(request, [_key(row) for row in _found(request) if bulk.fits(row)], bulk.act)

    return act


unlock_by_triggers = by_triggers(UNLOCK)
unlock_by_query = by_query(UNLOCK)


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


def _on_backfill(request: Request, bulk: Bulk) -> HttpResponse:
    key = _allowed(request, read_body(request, TriggerShape))
    return answer_json(trigger_json(bulk.act(acting_user=request.user, **key)))


def _act(request: Request, keys: Sequence[Key], act: Act) -> dict[str, int]:
    if len(keys) > MOST:
        raise IllegalArgument(f"One call can act on {MOST} triggers; narrow the query.")
    named = {(key.namespace, key.flow_id, key.trigger_id): key for key in keys}
    with transaction.atomic():
        hold_in_order(sorted(named))
        for key in named.values():
            act(acting_user=request.user, **_allowed(request, key))
    return {"count": len(named)}


def _found(request: Request) -> list[TriggerState]:
    where = search_triggers(
        words=request.query_params.get("q", ""),
        namespace=request.query_params.get("namespace"),
        flow_id=request.query_params.get("flowId"),
        worker_id=None,
        seen=seen_by(request, "FLOW"),
    ) & search_triggers(
        words="",
        namespace=None,
        flow_id=None,
        worker_id=None,
        seen=visible_namespaces(request.user, "EXECUTION", "UPDATE"),
    )
    return page_of_triggers(where, order=(), size=MOST + 1)[0]


def _keys(data: Any) -> list[Key]:
    if not isinstance(data, list):
        raise Invalid("The body must be a JSON list of triggers with `namespace`, `flowId` and `triggerId`.")
    return [parse_shape(one, TriggerKeyShape) for one in data]


def _key(row: TriggerState) -> Key:
    return TriggerKeyShape(namespace=row.namespace, flow_id=row.flow_id, trigger_id=row.trigger_id)


def _allowed(request: Request, key: Key) -> dict[str, str]:
    """The trigger's name as services take it. Forbidden, when the caller may not change it."""
    check_can(request.user, "FLOW", "READ", key.namespace)
    check_can(request.user, "EXECUTION", "UPDATE", key.namespace)
    return {"namespace": key.namespace, "flow_id": key.flow_id, "trigger_id": key.trigger_id}


def _with_definition(row: TriggerState) -> dict[str, Any]:
    try:
        found = find_triggered(row.namespace, row.flow_id, row.trigger_id)
    except InvalidFlow:
        found = None  # the list shows what it knows; the flow's own page says what is wrong
    shown = {"triggerContext": trigger_json(row)}
    return shown if found is None else {"abstractTrigger": found.trigger.to_json()} | shown
