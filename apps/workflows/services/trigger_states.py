"""Where triggers stand, kept in step with their flows; their timers; switching, unlocking and restarting them."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from apps.audit.services import Actor, record
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.ids import new_id
from apps.timers.services import drop_timers, offer_lease, set_timers, withdraw_leases
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.flow_language.flow import FlowDefinition
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import Flow, TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import (
    FlowListener,
    PollingTrigger,
    RealtimeTrigger,
    TimeTrigger,
    Trigger,
    WebhookTrigger,
)
from apps.workflows.selectors.flow_sources import FlowSource
from apps.workflows.services.definitions import FlowRevisionGone, LoadedFlow, default_group, load_flow
from apps.workflows.services.trigger_dates import Dates
from apps.workflows.services.trigger_evaluations import log_of_trigger, record_evaluation
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS

TRIGGER_TIMER: Final = "trigger"
"""Kind of the timers of triggers; the key is the number of the trigger's row."""
log = structlog.get_logger(__name__)
STREAM_LEASE: Final = "stream"
"""Kind of the leases of triggers that listen; the key is the number of the trigger's row."""
FLOW_TIMER: Final = "flow_triggers"
"""Kind of the timers of flows whose triggers have no rows yet; the key is the flow's number."""
Kind = TriggerState.Kind
ENDS, ALL_STATES = 1, 2
"""What a Flow trigger listens to: states at the end alone, or earlier ones too."""


def sync_triggers(flow: Flow, definition: FlowDefinition, now: datetime) -> None:
    """Make the rows of a flow's triggers what its newest revision says, in the transaction that saves it.

    A trigger whose properties did not change keeps its dates; one that did, or is switched on, begins from now. A new
    id is a new trigger.
    """
    rows = TriggerState.objects.select_for_update().filter(flow_ref=flow.uid).order_by("pk")
    held = {row.trigger_id: row for row in rows}
    remove_rows([row for name, row in held.items() if name not in {trigger.id for trigger in definition.triggers}])
    loaded = LoadedFlow(definition, compile_flow(definition), frozenset())
    source = FlowSource(flow.uid, flow.namespace, flow.flow_id, flow.revision, flow.source, flow.disabled, False)
    for trigger in definition.triggers:
        row = held.get(trigger.id) or TriggerState(
            flow_ref=flow.uid, namespace=flow.namespace, flow_id=flow.flow_id, trigger_id=trigger.id
        )
        off = flow.disabled or trigger.disabled
        signature = _signature(trigger)
        anew = row.pk is None or row.signature != signature or row.off != off
        row.kind, row.type, row.signature, row.off = _kind(trigger), trigger.type, signature, off
        row.stop_after = [state.value for state in trigger.stop_after]
        row.states = [state.value for state in trigger.states] if isinstance(trigger, FlowListener) else []
        row.listens = _listens(row)
        row.updated = now
        if anew:
            row.backfill = None if row.type != trigger.type else row.backfill
        row.save()
        if anew or row.kind == Kind.STREAM:
            # One that listens begins anew with each revision: what it renders may name variables of the flow.
            begin_from(row, Dates(source, loaded, trigger), now)
        set_trigger_timer(row, now)


def make_missing_rows(flow_ref: int, now: datetime) -> None:
    """Rows for the triggers of a flow that was saved before triggers had rows. Twice is harmless."""
    with transaction.atomic():
        drop_timers(require_tenant(), [(FLOW_TIMER, str(flow_ref))])
        flow = Flow.objects.select_for_update().filter(pk=flow_ref, deleted=False).first()
        if flow is None or TriggerState.objects.filter(flow_ref=flow_ref).exists():
            return
        try:
            sync_triggers(flow, load_flow(flow.uid, flow.revision).definition, now)
        except (InvalidFlow, FlowRevisionGone) as error:
            log.warning("the triggers of a flow that cannot be read start nothing", flow=str(flow), error=str(error))


def remove_triggers(flow: Flow) -> None:
    """Forget the triggers of a flow that is deleted."""
    remove_rows(list(TriggerState.objects.select_for_update().filter(flow_ref=flow.uid).order_by("pk")))


def begin_from(row: TriggerState, dates: Dates, now: datetime) -> None:
    """Set the next dates of a trigger that is new, changed or switched on: the first ones after now."""
    row.look_at = row.next_date = None
    if row.kind == Kind.POLL and not row.sleeps:
        row.look_at = row.next_date = now
    if row.kind == Kind.TIME and not row.sleeps:
        try:
            row.look_at, row.next_date = dates.after(now)
        except EVALUATION_ERRORS as error:
            record_evaluation(row, TriggerEvaluation.Outcome.FAILED, now, message=str(error))
            log_of_trigger(row, Level.ERROR, f"The next date cannot be told: {error}", now)
    if row.kind == Kind.STREAM and not row.sleeps:
        group = dates.trigger.worker_group or default_group(row.namespace)
        pool = DEFAULT_GROUP if group is None else group.key
        offer_lease(require_tenant(), STREAM_LEASE, str(row.pk), pool)
        row.worker_id, row.evaluating_since = "", None
    row.save(update_fields=["look_at", "next_date", "worker_id", "evaluating_since"])


def set_trigger_timer(row: TriggerState, now: datetime, due: datetime | None = None) -> None:
    """Set the timer of a trigger to what it waits for (or ``due``); drop it when it waits for nothing.

    One that listens loses its lease when it sleeps.
    """
    tenant = require_tenant()
    if row.kind == Kind.STREAM:
        if row.sleeps:
            withdraw_leases(tenant, STREAM_LEASE, [str(row.pk)])
            TriggerState.objects.filter(pk=row.pk).update(worker_id="", evaluating_since=None)
        return
    due = due or due_of(row, now)
    if due is None:
        drop_timers(tenant, [(TRIGGER_TIMER, str(row.pk))])
    else:
        set_timers(tenant, [(TRIGGER_TIMER, str(row.pk), due)])


def due_of(row: TriggerState, now: datetime) -> datetime | None:
    """When the trigger is to be evaluated next; None when it waits for nothing."""
    if row.sleeps or row.kind not in (Kind.TIME, Kind.POLL):
        return None
    running = row.backfill is not None and not row.backfill.get("paused")
    return now if running else row.look_at


def hold_trigger(namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """Lock a trigger's row, in the caller's transaction. NotFound."""
    found = (
        TriggerState.objects.select_for_update()
        .filter(namespace=namespace, flow_id=flow_id, trigger_id=trigger_id)
        .first()
    )
    if found is None:
        raise NotFound(f"Trigger {namespace}.{flow_id}.{trigger_id} not found")
    return found


def release(row: TriggerState, ended: State | None, now: datetime) -> None:
    """The execution a trigger waited for has ended so (None: it is gone). The caller holds the row and saves it."""
    row.execution_id = None
    if ended is not None and ended.value in row.stop_after and not row.disabled:
        switch(row, disabled=True)
        log_of_trigger(row, Level.INFO, f"The trigger is disabled: its execution ended {ended}", now)


def switch(row: TriggerState, *, disabled: bool) -> None:
    """Write the switch into a row that the caller holds and saves."""
    row.disabled = disabled
    row.listens = _listens(row)


def record_change(acting_user: Actor | None, row: TriggerState, action: str, *, kind: str = "UPDATE") -> None:
    """One audit entry, in the caller's transaction."""
    record(
        acting_user=acting_user,
        action=kind,
        resource="Trigger",
        detail={
            "namespace": row.namespace,
            "flowId": row.flow_id,
            "triggerId": row.trigger_id,
            "action": action,
        },
        permission="EXECUTION",
    )


def new_claim() -> str:
    """What names one evaluation by a worker."""
    return new_id()


def remove_rows(rows: list[TriggerState]) -> None:
    """Forget triggers, with all they wait for. The caller holds the rows."""
    if rows:
        tenant = require_tenant()
        drop_timers(tenant, [(TRIGGER_TIMER, str(row.pk)) for row in rows])
        withdraw_leases(tenant, STREAM_LEASE, [str(row.pk) for row in rows if row.kind == Kind.STREAM])
        TriggerState.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _kind(trigger: Trigger) -> str:
    match trigger:
        case TimeTrigger():
            return Kind.TIME
        case PollingTrigger():
            return Kind.POLL
        case RealtimeTrigger():
            return Kind.STREAM
        case FlowListener():
            return Kind.FLOW
        case WebhookTrigger():
            return Kind.WEBHOOK
    return Kind.OTHER


def _listens(row: TriggerState) -> int:
    if row.kind != Kind.FLOW or row.sleeps:
        return 0
    return ENDS if all(State(state).ended for state in row.states) else ALL_STATES


def _signature(trigger: Trigger) -> str:
    text = json.dumps(trigger.to_json(), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
