"""What ran of late: counts by hour and state, and the last executions of flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid
from apps.workflows.models import Flow
from apps.workflows.plugin_api.state import ENDED, State

_LEFT_OUT: Final = (State.SKIPPED, State.CANCELLED)
OPEN_STATES: Final = [state.value for state in State if state not in ENDED]


def count_by_hour(since: datetime, flow_refs: Sequence[int] | None) -> list[tuple[datetime, str, int]]:
    """(hour, state, executions started in it), oldest first; hours without any are absent. One index-only query.

    `flow_refs` None: all flows.
    """
    where, values = _within(flow_refs)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_trunc('hour', start_date), state, count(*) FROM execution"  # noqa: S608
            f" WHERE start_date >= %s{where} GROUP BY 1, 2 ORDER BY 1",
            [since, *values],
        )
        return [(hour, state, count) for hour, state, count in cursor.fetchall()]


def count_open(flow_refs: Sequence[int] | None) -> dict[str, int]:
    """Executions that have not ended, by state. One query."""
    where, values = _within(flow_refs)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT state, count(*) FROM execution WHERE state = ANY(%s){where} GROUP BY state",  # noqa: S608
            [OPEN_STATES, *values],
        )
        return dict(cursor.fetchall())


def has_flows() -> bool:
    """Whether the tenant holds any flow."""
    return Flow.objects.filter(deleted=False).exists()


def _within(flow_refs: Sequence[int] | None) -> tuple[str, list[Any]]:
    return ("", []) if flow_refs is None else (" AND flow_ref = ANY(%s)", [list(flow_refs)])


@dataclass(frozen=True, slots=True)
class RunMark:
    """One of a flow's last executions, as the strip of bars shows it."""

    id: str
    state: str
    start: datetime
    duration_ms: int | None


def success_ratios(flow_refs: Sequence[int], since: datetime) -> dict[int, float]:
    """Of those that ended since then: SUCCESS and WARNING over all but SKIPPED and CANCELLED, by flow number; flows
    without any are absent. One query over the newest 1,000 executions of each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.ref, (count(*) FILTER (WHERE e.state IN ('SUCCESS', 'WARNING')))::float / count(*)"
            " FROM unnest(%s::int[]) AS w(ref) CROSS JOIN LATERAL (SELECT state FROM execution"
            " WHERE flow_ref = w.ref AND start_date >= %s ORDER BY start_date DESC, id DESC LIMIT 1000) AS e"
            " WHERE e.state = ANY(%s) GROUP BY w.ref",
            [list(flow_refs), since, [str(state) for state in ENDED if state not in _LEFT_OUT]],
        )
        return dict(cursor.fetchall())


def last_runs(flow_refs: Sequence[int], *, each: int = 14) -> dict[int, list[RunMark]]:
    """A flow's last executions, newest first, by flow number. One query."""
    found: dict[int, list[RunMark]] = {ref: [] for ref in flow_refs}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w.ref, e.id, e.state, e.start_date, e.duration_ms FROM unnest(%s::int[]) AS w(ref)"
            " CROSS JOIN LATERAL (SELECT id, state, start_date, duration_ms FROM execution"
            " WHERE flow_ref = w.ref ORDER BY start_date DESC, id DESC LIMIT %s) AS e",
            [list(flow_refs), each],
        )
        for ref, row_id, state, start, duration_ms in cursor.fetchall():
            found[ref].append(RunMark(from_uuid(row_id), state, start, duration_ms))
    return found
