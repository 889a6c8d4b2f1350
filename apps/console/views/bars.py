"""Charts that the server draws: stacked bars over time, small lines, the ratio beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.common.display import local

ORDER: Final = ("SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RUNNING", "RESTARTED", "RETRYING", "KILLING",
                "CREATED", "QUEUED", "PAUSED", "SKIPPED", "RETRIED")  # fmt: skip
"""Stacks and ranks, from the ground up."""
RUNNING: Final = ("RUNNING", "RESTARTED", "RETRYING", "KILLING")
_SUCCESSFUL: Final = frozenset({"SUCCESS", "WARNING"})
_OUTSIDE_RATIO: Final = frozenset({"SKIPPED", "CANCELLED", *RUNNING, "CREATED", "QUEUED", "PAUSED", "RETRIED"})
SPARK_WIDTH, SPARK_HEIGHT = 56, 20


@dataclass(frozen=True)
class Segment:
    """A piece of a stacked bar; `y` and `height` in percent of the chart."""

    state: str
    count: int
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """What happened within a stretch of time."""

    start: datetime
    end: datetime
    segments: list[Segment]

    @property
    def total(self) -> int:
        return sum(one.count for one in self.segments)

    def count(self, state: str) -> int:
        """Of one state."""
        return next((one.count for one in self.segments if one.state == state), 0)

    @property
    def summary(self) -> str:
        counted = ", ".join(f"{one.count} {one.state.lower()}" for one in self.segments) or "none"
        return f"{local(self.start):%d %b %H:%M}: {counted}"


@dataclass(frozen=True)
class Spark:
    """A small line: the points of an SVG polyline in a box of SPARK_WIDTH by SPARK_HEIGHT."""

    points: str


def spark(values: Sequence[int]) -> Spark | None:
    """None where there is nothing to see."""
    highest = max(values, default=0)
    if len(values) < 2 or not highest:
        return None
    step = SPARK_WIDTH / (len(values) - 1)
    room = SPARK_HEIGHT - 4
    places = (f"{number * step:.1f},{2 + room - room * value / highest:.1f}" for number, value in enumerate(values))
    return Spark(" ".join(places))


def stack_bars(
    counted: Iterable[tuple[datetime, str, int]],
    start: datetime,
    end: datetime,
    step: timedelta,
    order: Sequence[str] = ORDER,
) -> tuple[list[Bar], int]:
    """A bar for each step from start to end, also for empty ones, and the figure at the top of the axis."""
    number = -(-(end - start) // step)
    places: list[dict[str, int]] = [{} for _ in range(number)]
    for moment, state, count in counted:
        place = (moment - start) // step
        if 0 <= place < number:
            places[place][state] = places[place].get(state, 0) + count
    highest = round_up(max((sum(states.values()) for states in places), default=0))
    bars = []
    for place, states in enumerate(places):
        segments, top = [], 100.0
        for state in order:
            if count := states.get(state, 0):
                height = 100 * count / highest
                top -= height
                segments.append(Segment(state, count, round(top, 2), round(height, 2)))
        bars.append(Bar(start + place * step, start + (place + 1) * step, segments))
    return bars, highest


def success_ratio(totals: Counter[str]) -> float | None:
    """SUCCESS and WARNING over what has ended, in percent; SKIPPED and CANCELLED count on neither side."""
    ended = sum(count for state, count in totals.items() if state not in _OUTSIDE_RATIO)
    return round(100 * sum(totals[state] for state in _SUCCESSFUL) / ended, 1) if ended else None


def round_up(figure: int) -> int:
    """To the next round number that halves well: 4, 10, 20, 50, 100, …"""
    limit = 4
    for step in (10, 20, 50):
        if figure <= limit:
            return limit
        limit = step
    while limit < figure:
        limit *= 2
    return limit
