"""Triggers that listen: who may, what becomes of an event, and what is told when a stream ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import derived_id, new_id
from apps.timers.services import give_lease_back, keeps_lease, went_well, withdraw_leases
from apps.workflows.execution_store.json_text import clean
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.trigger import StreamEvent
from apps.workflows.services.trigger_evaluations import log_of_trigger, record_evaluation
from apps.workflows.services.trigger_finds import start_found
from apps.workflows.services.trigger_starts import TriggeredFlow, find_triggered
from apps.workflows.services.trigger_states import STREAM_LEASE

LEASE: Final = timedelta(seconds=12)
"""How long a stream stays with a worker that says nothing."""
Line = tuple[Level, datetime, str]
Outcome = TriggerEvaluation.Outcome


class StreamLost(Exception):
    """The stream is another process's by now, or nobody's: the trigger was changed, switched off or taken over."""


def open_stream(number: int, worker_id: str) -> TriggeredFlow | None:
    """The trigger to listen for, and a note of who listens. None, and no lease any more, when there is none.

    The caller holds the lease. InvalidFlow.
    """
    with transaction.atomic():
        row = TriggerState.objects.select_for_update().filter(pk=number, kind=TriggerState.Kind.STREAM).first()
        found = None
        if row is not None and not row.sleeps:
            found = find_triggered(row.namespace, row.flow_id, row.trigger_id)
        if row is None or found is None:
            withdraw_leases(require_tenant(), STREAM_LEASE, [str(number)])
            return None
        row.worker_id, row.evaluating_since = worker_id, read_clock()
        row.save(update_fields=["worker_id", "evaluating_since"])
    return found


def accept_event(number: int, token: str, event: StreamEvent, lines: Sequence[Line]) -> str | None:
    """Start the flow for an event, once for its name; the execution's id, None when conditions do not hold.

    One transaction, in which the lease cannot go to another process. StreamLost: nothing was done. InvalidFlow.
    """
    now = read_clock()
    with transaction.atomic():
        row = TriggerState.objects.filter(pk=number).first() if keeps_lease(token) else None
        of = None if row is None else find_triggered(row.namespace, row.flow_id, row.trigger_id)
        if row is None or row.sleeps or of is None:
            raise StreamLost(f"The stream of trigger {number} is not this process's any more")
        _write_lines(row, lines)
        execution_id = new_id(now) if event.name is None else event_id(number, event)
        started = start_found(row, of, clean(dict(event.variables)), execution_id, now)
        TriggerState.objects.filter(pk=number).update(date=now, updated=now)
        went_well(token)
    return started


def event_id(number: int, event: StreamEvent) -> str:
    """The id of the execution of a named event, always the same."""
    return derived_id("stream", str(number), event.name or "", at=event.moment)


def keep_lines(number: int, lines: Sequence[Line]) -> None:
    """Write the log of a stream that listens."""
    row = TriggerState.objects.filter(pk=number).first() if lines else None
    if row is not None:
        _write_lines(row, lines)


def close_stream(number: int, token: str, lines: Sequence[Line], *, error: str | None, asked_to_stop: bool) -> None:
    """A stream has ended: what it logged, why, and that another process may take it.

    At once when it was asked to stop; after a while when it failed, or ended by itself though nobody asked.
    """
    now = read_clock()
    with transaction.atomic():
        mine = keeps_lease(token)
        row = TriggerState.objects.filter(pk=number).first()
        if row is not None:
            _write_lines(row, lines)
            if error is not None:
                log_of_trigger(row, Level.ERROR, error, now)
                record_evaluation(row, Outcome.FAILED, now, message=error)
            elif not asked_to_stop:
                record_evaluation(row, Outcome.NOTHING, now, message="The stream ended by itself; it is opened again")
            if mine:
                TriggerState.objects.filter(pk=number).update(worker_id="", evaluating_since=None)
        give_lease_back(token, failed=error is not None or not asked_to_stop)


def _write_lines(row: TriggerState, lines: Sequence[Line]) -> None:
    for level, moment, message in lines:
        log_of_trigger(row, level, message, moment)
