"""Triggers: search, switch, unlock, restart, backfills, and why they did or did not start their flow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import read_body
from apps.common.errors import NotFound
from apps.common.pagination import Page
from apps.rbac.decisions import check_can
from apps.workflows.api.describe import SORTED_PAGE, describe, text
from apps.workflows.api.reading import answer_json, filters_of_the_caller, read_criteria, read_page_asked, seen_by
from apps.workflows.models import TriggerState
from apps.workflows.schemas.triggers import (
    EvaluationShape,
    SwitchShape,
    TriggerKeyShape,
    TriggerPageShape,
    TriggerShape,
    TriggersPageShape,
    evaluation_json,
    trigger_json,
)
from apps.workflows.selectors.filter_keys import TRIGGER_KEYS
from apps.workflows.selectors.triggers import (
    FILTERED,
    SORTABLE,
    STANDS,
    find_trigger,
    last_evaluations,
    page_of_triggers,
    search_triggers,
    triggers_meeting,
)
from apps.workflows.services.backfills import BackfillRequest, create_backfill, delete_backfill, pause_backfill
from apps.workflows.services.trigger_starts import written_triggers
from apps.workflows.services.triggers import delete_trigger, restart_trigger, switch_trigger, unlock_trigger

TAG: Final = "Triggers"
QUERY: Final = (
    text("q", "Words of id, flow and namespace."),
    text("namespace", "With all below it."),
    text("flowId"),
    text("triggerId"),
)
FIELDS: Final = ("q", *FILTERED, *STANDS)


@describe(TriggersPageShape, query=(*QUERY, text("workerId"), *SORTED_PAGE), tag=TAG)
@access("FLOW", "READ")
def find_triggers(request: Request) -> HttpResponse:
    """Triggers that the caller may see, each as it is written and where it stands."""
    asked = read_page_asked(request.query_params, sortable=SORTABLE)
    with filters_of_the_caller():
        where = triggers_meeting(read_criteria(request.query_params, FIELDS, TRIGGER_KEYS), seen_by(request, "FLOW"))
        rows, total = page_of_triggers(where, order=asked.order, offset=asked.offset, size=asked.size)
    written = written_triggers(rows)
    results = [
        ({"abstractTrigger": written[row.pk].to_json()} if row.pk in written else {})
        | {"triggerContext": trigger_json(row)}
        for row in rows
    ]
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
    key = allowed(request, sent)
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
    return _on_backfill(request, partial(pause_backfill, paused=True))


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def unpause_one(request: Request) -> HttpResponse:
    """Let a paused backfill go on."""
    return _on_backfill(request, partial(pause_backfill, paused=False))


@describe(TriggerShape, body=TriggerShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def delete_one(request: Request) -> HttpResponse:
    """End a backfill; its executions stay."""
    return _on_backfill(request, delete_backfill)


@describe(TriggerShape, body=SwitchShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def set_disabled(request: Request) -> None:
    """Disable or enable one trigger."""
    sent = read_body(request, SwitchShape)
    switch_trigger(acting_user=request.user, **allowed(request, sent), disabled=sent.disabled)


@describe(tag=TAG)
@access("EXECUTION", "DELETE")
def remove_trigger(request: Request, namespace: str, flow_id: str, trigger_id: str) -> None:
    """Forget where a trigger stands; one that its flow still has begins anew."""
    check_can(request.user, "FLOW", "READ", namespace)
    delete_trigger(acting_user=request.user, namespace=namespace, flow_id=flow_id, trigger_id=trigger_id)


def _on_backfill(request: Request, act: Callable[..., TriggerState]) -> HttpResponse:
    key = allowed(request, read_body(request, TriggerShape))
    return answer_json(trigger_json(act(acting_user=request.user, **key)))


def allowed(request: Request, key: TriggerKeyShape, action: str = "UPDATE") -> dict[str, str]:
    """The trigger's name as services take it. Forbidden, when the caller may not change it."""
    check_can(request.user, "FLOW", "READ", key.namespace)
    check_can(request.user, "EXECUTION", action, key.namespace)
    return {"namespace": key.namespace, "flow_id": key.flow_id, "trigger_id": key.trigger_id}
