"""A trigger as pages show it: its dates in words, where it stands, and what can be done with it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from apps.common.clock import now as read_clock
from apps.workflows.models import TriggerEvaluation, TriggerState
from apps.workflows.schemas.triggers import trigger_json

LATE: Final = timedelta(minutes=2)
LOCKED_LONG: Final = timedelta(minutes=10)
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "STARTED": ("Started the flow", "SUCCESS"),
    "CONDITIONS": ("Conditions do not hold", "SKIPPED"),
    "WAITING": ("Waits for other executions", "QUEUED"),
    "NOTHING": ("Nothing was found", "SKIPPED"),
    "RUNNING": ("The execution before still runs", "QUEUED"),
    "MISSED": ("Missed, and not made up for", "CANCELLED"),
    "LATE": ("Too late", "CANCELLED"),
    "QUOTA": ("Refused: the tenant's quota is used up", "CANCELLED"),
    "FAILED": ("Failed", "FAILED"),
}
"""In words, and the state whose colour and mark an outcome has."""


@dataclass(frozen=True)
class TriggerView:
    """A row, with the trigger as it is written (None: its flow has it no more, or cannot be read)."""

    row: TriggerState
    written: Mapping[str, Any] | None
    may_update: bool = False
    may_backfill: bool = False
    may_delete: bool = False
    execution_state: str = ""

    @property
    def type_word(self) -> str:
        """The last word of the type, with its family where that is no core one."""
        parts = self.row.type.split(".")
        return parts[-1] if "core" in parts else ".".join(parts[-3:])

    @property
    def when(self) -> str:
        """What it waits for, in words."""
        written = self.written or {}
        match self.row.kind:
            case TriggerState.Kind.TIME if "cron" in written:
                return f"{cron_words(str(written['cron']))} {written.get('timezone') or 'UTC'}"
            case TriggerState.Kind.TIME:
                return "at given dates"
            case TriggerState.Kind.POLL:
                return f"looks every {written.get('interval', 'PT60S')}"
            case TriggerState.Kind.STREAM:
                return "listens" if self.row.worker_id else "waits for a worker"
            case TriggerState.Kind.FLOW:
                return "after other flows"
            case TriggerState.Kind.WEBHOOK:
                return "when its address is called"
        return ""

    @property
    def late(self) -> bool:
        """Whether it should have been evaluated by now."""
        row = self.row
        running = row.execution_id is not None or row.backfill is not None or row.evaluating_since is not None
        return row.look_at is not None and not row.sleeps and not running and read_clock() - row.look_at > LATE

    @property
    def locked(self) -> bool:
        """Whether it waits for an execution or a worker, and a person may let it go on."""
        return self.row.execution_id is not None or self.row.evaluating_since is not None

    @property
    def backfill(self) -> Mapping[str, Any] | None:
        """As the API shows it, with ``progress`` from 0 to 1 and moments for dates."""
        held = trigger_json(self.row).get("backfill")
        if held is None:
            return None
        dates = {name: datetime.fromisoformat(held[name]) for name in ("start", "end", "currentDate")}
        return {**held, **dates, "percent": round(100 * held["progress"])}


@dataclass(frozen=True)
class EvaluationView:
    """One evaluation, with its conditions as lines, those within others indented."""

    held: TriggerEvaluation

    @property
    def words(self) -> str:
        return OUTCOMES.get(self.held.outcome, (self.held.outcome, "SKIPPED"))[0]

    @property
    def state(self) -> str:
        return OUTCOMES.get(self.held.outcome, ("", "SKIPPED"))[1]

    @property
    def lines(self) -> list[tuple[int, Mapping[str, Any]]]:
        found: list[tuple[int, Mapping[str, Any]]] = []
        _flatten(self.held.conditions, 0, found)
        return found


def cron_words(cron: str) -> str:
    """The usual expressions in words, others as they are written."""
    fields = cron.split()
    if cron.startswith("@"):
        return cron.removeprefix("@")
    if len(fields) != 5:
        return cron
    minute, hour, day, month, weekday = fields
    if (hour, day, month, weekday) == ("*", "*", "*", "*"):
        return _within_an_hour(minute, cron)
    if not (minute.isdecimal() and hour.isdecimal() and month == "*"):
        return cron
    at = f"at {int(hour):02d}:{int(minute):02d}"
    if day == "*" and weekday == "*":
        return f"each day {at}"
    if day == "*" and weekday.isdecimal() and int(weekday) < len(DAYS):
        return f"each {DAYS[int(weekday)]} {at}"
    if day == "*" and weekday.upper() in ("1-5", "MON-FRI"):
        return f"Monday to Friday {at}"
    if day.isdecimal() and weekday == "*":
        return f"on day {day} of the month {at}"
    return cron


def _within_an_hour(minute: str, cron: str) -> str:
    if minute in ("*", "*/1"):
        return "each minute"
    if minute.startswith("*/") and minute[2:].isdecimal():
        return f"every {minute[2:]} minutes"
    if minute.isdecimal():
        return f"each hour at :{int(minute):02d}"
    return cron


def _flatten(conditions: Sequence[Mapping[str, Any]], depth: int, into: list[tuple[int, Mapping[str, Any]]]) -> None:
    for condition in conditions:
        into.append((depth, condition))
        _flatten(condition.get("conditions") or (), depth + 1, into)
