"""Backfills: running a schedule's dates of a span of time, one after another; starting, pausing and ending them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from apps.audit.services import Actor
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalArgument, IllegalState, NotFound
from apps.common.ids import new_id
from apps.workflows.execution_store.json_text import stamp
from apps.workflows.models import TriggerState
from apps.workflows.plugin_api.labels import SYSTEM_PREFIX
from apps.workflows.plugin_api.trigger import TimeTrigger
from apps.workflows.services.trigger_dates import Dates
from apps.workflows.services.trigger_scope import EVALUATION_ERRORS
from apps.workflows.services.trigger_starts import find_triggered
from apps.workflows.services.trigger_states import Kind, hold_trigger, record_change, set_trigger_timer

MOST_COUNTED: Final = 10_000
"""Dates of a span that are counted beforehand."""
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """What a person asks for: the dates from ``start`` to ``end`` (now when None)."""

    start: datetime
    end: datetime | None = None
    inputs: Mapping[str, Any] | None = None
    labels: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill under way. ``mark`` tells its executions from those of another one over the same dates."""

    current: datetime
    end: datetime
    inputs: dict[str, Any]
    labels: list[tuple[str, str]]
    mark: str
    held: dict[str, Any]

    @classmethod
    def of(cls, row: TriggerState) -> Backfill | None:
        """The trigger's backfill, unless it is paused or there is none."""
        held = row.backfill
        if held is None or held.get("paused"):
            return None
        return cls(
            datetime.fromisoformat(held["currentDate"]),
            datetime.fromisoformat(held["end"]),
            held.get("inputs") or {},
            [(label["key"], label["value"]) for label in held.get("labels") or ()],
            held["mark"],
            held,
        )

    def at(self, date: datetime) -> dict[str, Any]:
        """What the row keeps when the next date is this one."""
        return self.held | {"currentDate": stamp(date)}


def create_backfill(
    *, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str, request: BackfillRequest
) -> TriggerState:
    """Begin to run the trigger's dates of a span of time, in order, each when the one before has ended.

    NotFound; IllegalState when there is a backfill already or the trigger is disabled; IllegalArgument when the trigger
    has no dates, none of them lies in the span, or a label may not be set.
    """
    now = read_clock()
    end = request.end or now
    if request.start >= end:
        raise IllegalArgument("The start of a backfill must lie before its end")
    for key, value in request.labels:
        if not key or not value or key.startswith(SYSTEM_PREFIX):
            raise IllegalArgument(f"A backfill cannot set the label `{key}:{value}`")
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        if row.backfill is not None:
            raise IllegalState("The trigger has a backfill already; delete it before you start another")
        if row.sleeps:
            raise IllegalState("The trigger is disabled; enable it before you start a backfill")
        found = find_triggered(namespace, flow_id, trigger_id)
        if found is None:
            raise NotFound(f"Trigger {namespace}.{flow_id}.{trigger_id} not found")
        if row.kind != Kind.TIME:
            raise IllegalArgument(f"A backfill needs a trigger with dates, and {trigger_id} is of type {row.type}")
        first = _first_date(Dates(found.source, found.flow, found.trigger), request.start)
        if first is None or first > end:
            raise IllegalArgument("The trigger has no date between the start and the end of the backfill")
        row.backfill = {
            "start": stamp(request.start),
            "end": stamp(end),
            "currentDate": stamp(first),
            "paused": False,
            "inputs": dict(request.inputs or {}),
            "labels": [{"key": key, "value": value} for key, value in request.labels],
            "previousNextExecutionDate": None if row.look_at is None else stamp(row.look_at),
            "mark": new_id(now),
        }
        row.updated = now
        row.save()
        set_trigger_timer(row, now)
        record_change(acting_user, row, "create backfill")
    return row


@dataclass(frozen=True, slots=True)
class Counted:
    """How many dates a span has, the first and the last of them; ``more``: counting stopped there."""

    count: int
    first: datetime | None
    last: datetime | None
    more: bool


def count_dates(*, namespace: str, flow_id: str, trigger_id: str, start: datetime, end: datetime) -> Counted:
    """The dates of a trigger in a span of time, at most MOST_COUNTED of them. NotFound; IllegalArgument."""
    found = find_triggered(namespace, flow_id, trigger_id)
    if found is None:
        raise NotFound(f"Trigger {namespace}.{flow_id}.{trigger_id} not found")
    if not isinstance(found.trigger, TimeTrigger):
        raise IllegalArgument(
            f"A backfill needs a trigger with dates, and {trigger_id} is of type {found.trigger.type}"
        )
    dates = Dates(found.source, found.flow, found.trigger)
    first = last = None
    date = _first_date(dates, start)
    count = 0
    while date is not None and date <= end and count < MOST_COUNTED:
        count, first, last = count + 1, first or date, date
        date = dates.following(date)
    return Counted(count, first, last, date is not None and date <= end)


def pause_backfill(
    *, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str, paused: bool
) -> TriggerState:
    """Pause a backfill, or let it go on. While it is paused the schedule runs as ever. NotFound; IllegalState."""
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        if row.backfill is None:
            raise IllegalState(f"Trigger {namespace}.{flow_id}.{trigger_id} has no backfill")
        row.backfill = row.backfill | {"paused": paused}
        row.updated = now
        row.save()
        set_trigger_timer(row, now)
        record_change(acting_user, row, "pause backfill" if paused else "unpause backfill")
    return row


def delete_backfill(*, acting_user: Actor | None, namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """End a backfill; its executions stay. NotFound; IllegalState when there is none."""
    now = read_clock()
    with transaction.atomic():
        row = hold_trigger(namespace, flow_id, trigger_id)
        if row.backfill is None:
            raise IllegalState(f"Trigger {namespace}.{flow_id}.{trigger_id} has no backfill")
        finish_backfill(row)
        row.updated = now
        row.save()
        set_trigger_timer(row, now)
        record_change(acting_user, row, "delete backfill")
    return row


def finish_backfill(row: TriggerState) -> None:
    """The schedule goes on where it stood when the backfill began. The caller holds the row and saves it."""
    row.backfill = None


def _first_date(dates: Dates, start: datetime) -> datetime | None:
    try:
        return dates.following(start - _INSTANT)
    except EVALUATION_ERRORS as error:
        raise IllegalArgument(f"The trigger's dates cannot be told: {error}") from error
