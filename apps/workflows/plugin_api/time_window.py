"""TimeWindow: the span of time within which several conditions must all have come true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, PlainSerializer

from apps.workflows.plugin_api.condition import Condition
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.model import PluginModel

DAY: Final = timedelta(days=1)
EPOCH: Final = date(1970, 1, 1)


def parse_time(value: Any) -> time:
    """``09:00``, ``09:00:00`` or ``09:00:00+01:00``. ValueError for anything else."""
    if isinstance(value, time):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        # YAML 1.1 reads 09:00:00 as a number of seconds.
        return (datetime.combine(EPOCH, time.min) + timedelta(seconds=value)).time()
    try:
        return time.fromisoformat(str(value).strip())
    except ValueError as error:
        raise ValueError(f"`{value}` is not a time of day, write it as in 09:00:00") from error


TimeOfDay = Annotated[
    time, BeforeValidator(parse_time), PlainSerializer(lambda held: held.isoformat(), return_type=str)
]
"""A time of day; without an offset it is in the zone of the server."""


class WindowType(StrEnum):
    """How a window lies in time."""

    DURATION_WINDOW = "DURATION_WINDOW"
    SLIDING_WINDOW = "SLIDING_WINDOW"
    DAILY_TIME_DEADLINE = "DAILY_TIME_DEADLINE"
    DAILY_TIME_WINDOW = "DAILY_TIME_WINDOW"


class TimeWindow(PluginModel):
    """The span of time within which all conditions must come true."""

    type: WindowType = Field(default=WindowType.DURATION_WINDOW, title="How the window lies in time.")
    window: Duration | None = Field(default=None, title="Length of the window, a day when not given.")
    window_advance: Duration | None = Field(default=None, title="How far the windows are moved from midnight.")
    deadline: TimeOfDay | None = Field(default=None, title="The time of day until which all must hold.")
    start_time: TimeOfDay | None = Field(default=None, title="The time of day when the window opens.")
    end_time: TimeOfDay | None = Field(default=None, title="The time of day when the window closes.")

    def check(self) -> list[str]:
        """Properties that the type of window forbids or asks for."""
        words = {
            "a window": self.window,
            "a window advance": self.window_advance,
            "a deadline": self.deadline,
            "a start time": self.start_time,
            "an end time": self.end_time,
        }
        needed, allowed = _PROPERTIES[self.type]
        found = [
            f"Time window of type `{self.type}` cannot have {word}."
            for word, value in words.items()
            if value is not None and word not in needed + allowed
        ]
        found += [f"Time window of type `{self.type}` must have {word}." for word in needed if words[word] is None]
        if self.window is not None and self.window <= timedelta():
            found.append("The `window` of a time window must be longer than nothing")
        return found

    def span(self, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        """Start and end of the window at ``now``, which lies in it when it is not before its start and before its end.

        What came true at or after the start counts.
        """
        local = now.astimezone(zone)
        match self.type:
            case WindowType.SLIDING_WINDOW:
                return now - (self.window or DAY), now + (self.window or DAY)
            case WindowType.DAILY_TIME_DEADLINE:
                deadline = self.deadline or time.max
                return _at(local, time(tzinfo=deadline.tzinfo), zone), _at(local, deadline, zone)
            case WindowType.DAILY_TIME_WINDOW:
                return _at(local, self.start_time or time.min, zone), _at(local, self.end_time or time.max, zone)
        return _fixed(local, self.window or DAY, self.window_advance or timedelta(), zone)


def _fixed(local: datetime, length: timedelta, advance: timedelta, zone: tzinfo) -> tuple[datetime, datetime]:
    """Windows of one length side by side, counted on the wall clock: whole days from midnight."""
    wall = local.replace(tzinfo=None) - advance
    anchor = datetime.combine(EPOCH, time.min)
    start = anchor + (wall - anchor) // length * length + advance
    return start.replace(tzinfo=zone), (start + length).replace(tzinfo=zone)


def _at(local: datetime, moment: time, zone: tzinfo) -> datetime:
    """That time of day, on the day it is there."""
    where = moment.tzinfo or zone
    return datetime.combine(local.astimezone(where).date(), moment.replace(tzinfo=None), where)


_PROPERTIES: Final[dict[WindowType, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    WindowType.DURATION_WINDOW: ((), ("a window", "a window advance")),
    WindowType.SLIDING_WINDOW: ((), ("a window",)),
    WindowType.DAILY_TIME_DEADLINE: (("a deadline",), ()),
    WindowType.DAILY_TIME_WINDOW: (("a start time", "an end time"), ()),
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """Conditions that come true one by one, each by any execution, within a window; all of them start the flow."""

    id: str
    conditions: Mapping[str, Condition]
    time_window: TimeWindow
    reset_on_success: bool = True

    def excludes(self, namespace: str, flow_id: str) -> bool:
        """True when no execution of that flow can make any of them come true."""
        return all(condition.excludes(namespace, flow_id) for condition in self.conditions.values())
