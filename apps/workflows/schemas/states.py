"""State of an execution, a task run or an attempt as the API shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.common.json_values import Shape
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.state import State


class HistoryShape(Shape):
    """One change of state."""

    state: State
    date: datetime


class StateShape(Shape):
    """Where it is and how it came there."""

    current: State
    histories: list[HistoryShape]
    duration: str
    start_date: datetime
    end_date: datetime | None = None


def state_json(histories: Sequence[dict[str, str]], now: datetime) -> dict[str, Any]:
    """``duration`` runs from the first entry to the last one, while there is only one to now; ``endDate`` is there when
    it has ended or is paused.
    """
    first, last = histories[0], histories[-1]
    start = datetime.fromisoformat(first["date"])
    until = datetime.fromisoformat(last["date"]) if len(histories) > 1 else now
    current = State(last["state"])
    made = {
        "current": current.value,
        "histories": histories,
        "duration": format_duration(max(until, start) - start),
        "startDate": first["date"],
    }
    if current.ended or current is State.PAUSED:
        made["endDate"] = last["date"]
    return made
