"""Polling triggers: handing a look to a worker, and what its answer leads to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.dispatch import send, worker_queue
from apps.common.ids import derived_id
from apps.instance.selectors import active_workers
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.plugin_api.task import Level, WorkerGroup, WorkerGroupFallback
from apps.workflows.plugin_api.trigger import PollingTrigger
from apps.workflows.services.trigger_evaluations import log_of_trigger, record_evaluation
from apps.workflows.services.trigger_finds import start_found
from apps.workflows.services.trigger_starts import TriggeredFlow, find_triggered
from apps.workflows.services.trigger_states import new_claim, set_trigger_timer

LEASE: Final = timedelta(minutes=10)
"""A look that a worker has not answered by then is given to another one."""
Outcome = TriggerEvaluation.Outcome


def send_poll(row: TriggerState, of: TriggeredFlow, now: datetime) -> None:
    """Give a look to the trigger's workers. The caller holds the row, whose timer is due."""
    if row.look_at is not None and row.look_at > now and row.evaluating_since is None:
        set_trigger_timer(row, now)
        return
    group = of.trigger.worker_group or of.flow.default_group
    if group is not None and group.fallback is not WorkerGroupFallback.WAIT and not active_workers()[group.key]:
        _nobody_looks(row, of, group, now)
        return
    row.claim, row.evaluating_since, row.worker_id = new_claim(), now, ""
    row.save(update_fields=["claim", "evaluating_since", "worker_id"])
    set_trigger_timer(row, now, now + LEASE)
    send("workflows.poll_trigger", row.pk, row.claim, queue=worker_queue(DEFAULT_GROUP if group is None else group.key))


def _nobody_looks(row: TriggerState, of: TriggeredFlow, group: WorkerGroup, now: datetime) -> None:
    """The look is left out, and says so; the next one comes after the interval."""
    message = f"No worker of the group `{group.key}` is running and the trigger's fallback is {group.fallback}"
    failed = group.fallback is WorkerGroupFallback.FAIL
    if failed:
        log_of_trigger(row, Level.ERROR, message, now)
    record_evaluation(row, Outcome.FAILED if failed else Outcome.NOTHING, now, message=message)
    row.claim, row.evaluating_since, row.date = "", None, now
    row.look_at = row.next_date = now + _interval(of)
    row.save(update_fields=["claim", "evaluating_since", "date", "look_at", "next_date"])
    set_trigger_timer(row, now)


def _interval(of: TriggeredFlow | None) -> timedelta:
    return of.trigger.interval if of is not None and isinstance(of.trigger, PollingTrigger) else LEASE


def claim_poll(number: int, claim: str, worker_id: str) -> TriggeredFlow | None:
    """What a worker is to look at; None when the look was taken back or the trigger sleeps. InvalidFlow."""
    held = TriggerState.objects.filter(pk=number, claim=claim, disabled=False, off=False)
    if not held.update(worker_id=worker_id):
        return None
    row = held.get()
    return find_triggered(row.namespace, row.flow_id, row.trigger_id)


def finish_poll(
    number: int, claim: str, found: Mapping[str, Any] | None, error: str | None, lines: list[tuple[Level, str]]
) -> str | None:
    """The answer of a look: start the flow (the id is the answer), or not; look again after the interval.

    Nothing when the look was taken back. Twice is harmless: the claim is gone after the first.
    """
    now = read_clock()
    with transaction.atomic():
        row = TriggerState.objects.select_for_update().filter(pk=number, claim=claim).first()
        if row is None:
            return None
        of = find_triggered(row.namespace, row.flow_id, row.trigger_id)
        row.claim, row.evaluating_since, row.date, row.updated = "", None, now, now
        row.look_at = row.next_date = now + _interval(of)
        for level, message in lines:
            log_of_trigger(row, level, message, now)
        started = None
        if error is not None:
            log_of_trigger(row, Level.ERROR, error, now)
            record_evaluation(row, Outcome.FAILED, now, message=error)
        elif found is None:
            record_evaluation(row, Outcome.NOTHING, now)
        elif of is not None and not row.sleeps:
            started = start_found(row, of, dict(found), derived_id("poll", str(row.pk), claim, at=now), now)
        row.execution_id = started or row.execution_id
        row.save()
        set_trigger_timer(row, now)
    return started
