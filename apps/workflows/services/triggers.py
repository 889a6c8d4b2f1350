"""What people and tasks do with triggers: switch, unlock and restart them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from apps.audit.services import Actor
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalState, NotFound
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import Flow, TriggerState
from apps.workflows.services.definitions import FlowRevisionGone, load_flow
from apps.workflows.services.trigger_dates import Dates
from apps.workflows.services.trigger_starts import find_triggered
from apps.workflows.services.trigger_states import (
    Kind,
    begin_from,
    hold_trigger,
    record_change,
    remove_rows,
    set_trigger_timer,
    switch,
    sync_triggers,
)


def switch_trigger(
    *, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str, disabled: bool
) -> TriggerState:
    """Disable or enable a trigger; once enabled, its dates begin from now. NotFound; IllegalState (flow unreadable)."""
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        if row.disabled == disabled:
            return row
        switch(row, disabled=disabled)
        row.updated = now
        row.save()
        begin_anew(row, now)
        record_change(acting_user, row, "disable" if disabled else "enable")
    return row


def unlock_trigger(*, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """Let a trigger go on though its execution still runs, or a worker still looks. NotFound; IllegalState."""
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        if row.execution_id is None and row.evaluating_since is None:
            raise IllegalState("Trigger is not locked")
        _unlock(row, now)
        if row.kind == Kind.STREAM:
            begin_anew(row, now)  # another worker may listen
        set_trigger_timer(row, now)
        record_change(acting_user, row, "unlock")
    return row


def restart_trigger(*, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """Unlock a trigger and let its dates begin from now. NotFound; IllegalState (flow unreadable)."""
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        _unlock(row, now)
        begin_anew(row, now)
        record_change(acting_user, row, "restart")
    return row


def delete_trigger(*, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """Forget where a trigger stands: its lock, backfill, evaluations and what it has gathered. Executions stay.

    One that its flow still has begins anew, switched on, as if it had just been saved. NotFound; IllegalState.
    """
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        record_change(acting_user, row, "delete", kind="DELETE")
        flow = Flow.objects.select_for_update().filter(pk=row.flow_ref).first()
        remove_rows([row])
        if flow is not None and not flow.deleted:
            try:
                sync_triggers(flow, load_flow(flow.uid, flow.revision).definition, now)
            except (InvalidFlow, FlowRevisionGone) as error:
                raise IllegalState(f"The flow can no longer be read: {error}") from error
    return row


def hold_in_order(names: Sequence[tuple[str, str, str]]) -> None:
    """Lock triggers by (namespace, flow, trigger), in the one order in which several are ever locked: by number."""
    if not names:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id FROM trigger_state t JOIN unnest(%s::text[], %s::text[], %s::text[]) AS n(a, b, c)"
            " ON t.namespace = n.a AND t.flow_id = n.b AND t.trigger_id = n.c ORDER BY t.id FOR UPDATE OF t",
            [list(column) for column in zip(*names, strict=True)],
        )


def begin_anew(row: TriggerState, now: datetime) -> None:
    """Next dates from now, and the timer. The caller holds the row. NotFound; IllegalState (flow unreadable)."""
    try:
        found = find_triggered(row.namespace, row.flow_id, row.trigger_id)
    except InvalidFlow as error:
        raise IllegalState(f"The flow can no longer be read: {error}") from error
    if found is None:
        raise NotFound(f"Trigger {row} not found in its flow")
    begin_from(row, Dates(found.source, found.flow, found.trigger), now)
    set_trigger_timer(row, now)


def _unlock(row: TriggerState, now: datetime) -> None:
    row.execution_id, row.evaluating_since, row.claim, row.worker_id, row.updated = None, None, "", "", now
    row.save()
