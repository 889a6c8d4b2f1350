"""What dashboards and /stats read: counts over time by state, failures, durations, lines by level.

Windows of up to a week read the executions' own indexes; longer ones, without a flow or label, whole days from the
rollups (services/rollups.py) and the last two days from the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.flows import add_visible
from apps.workflows.selectors.limits import LIST_MILLISECONDS, time_limit

DIRECT: Final = timedelta(days=7)
"""Longer windows come from the rollups."""
DAY: Final = timedelta(days=1)
RECENT_RUNS: Final = 100
"""Successful runs of a flow that its usual duration is taken from."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: flows by number (None: all), labels as numbers, namespaces that may be seen (None: all), one
    namespace with those below; from a moment up to another. ``narrow``: a flow or label was asked for."""

    start: datetime
    end: datetime
    refs: Sequence[int] | None = None
    terms: Sequence[int] = ()
    visible: Sequence[str] | None = None
    namespace: str = ""
    narrow: bool = False

    def executions(self) -> Conditions:
        """On ``e``, an execution."""
        found = Conditions(["e.start_date >= %s", "e.start_date < %s"], [self.start, self.end])
        if self.refs is not None:
            found.add("e.flow_ref = ANY(%s)", list(self.refs))
        for term in self.terms:
            found.add(
                "EXISTS (SELECT FROM execution_label b WHERE b.term = %s AND b.start_date = e.start_date"
                " AND b.execution_id = e.id)",
                term,
            )
        return found

    def namespaces(self, column: str) -> Conditions:
        """On a column that holds a namespace."""
        found = Conditions()
        add_visible(found, self.visible, column=column)
        if self.namespace:
            add_visible(found, [self.namespace], column=column)
        return found


@dataclass(frozen=True, slots=True)
class Count:
    """Executions in a state that started in a stretch of time."""

    start: datetime
    state: str
    count: int
    duration_ms: int = 0


def count_by_time(scope: Scope, step: timedelta) -> list[Count]:
    """Counts by stretch of ``step`` (from ``scope.start`` on) and state, oldest first; empty stretches are absent."""
    if scope.narrow or scope.end - scope.start <= DIRECT:
        return _count_directly(scope, step)
    today = scope.end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    edge = max(today - DAY, scope.start)
    first_day = scope.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    where = scope.namespaces("d.namespace")
    where.add("d.day >= %s", first_day.date())
    where.add("d.day < %s", edge.date())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_bin(%s, d.day::timestamp AT TIME ZONE 'UTC', %s), d.state, sum(d.count)::bigint,"  # noqa: S608
            " sum(d.duration_ms)::bigint"
            f" FROM exec_day d{where.where} GROUP BY 1, 2 ORDER BY 1",
            [*_binned(step, first_day), *where.values],
        )
        days = [Count(*row) for row in cursor.fetchall()]
    return [*days, *_count_directly(Scope(edge, scope.end, scope.refs), step, origin=first_day)]


def _binned(step: timedelta, origin: datetime) -> list[Any]:
    return [step, origin]


def _count_directly(scope: Scope, step: timedelta, *, origin: datetime | None = None) -> list[Count]:
    where = scope.executions()
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_bin(%s, e.start_date, %s) AS bucket, e.state, count(*),"  # noqa: S608
            " coalesce(sum(e.duration_ms), 0)::bigint"
            f" FROM execution e{where.where} GROUP BY 1, 2 ORDER BY 1",
            [*_binned(step, origin or scope.start), *where.values],
        )
        return [Count(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class FlowFailures:
    """A flow with how often it failed, and the last time."""

    namespace: str
    flow_id: str
    count: int
    last_id: str
    last_error: str


def failures_by_namespace(scope: Scope, most: int = 10) -> list[tuple[str, int]]:
    """Namespaces with failed executions, the most first. Reads the index of what did not succeed."""
    where = scope.executions()
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.namespace, sum(c.n)::bigint FROM (SELECT e.flow_ref, count(*) AS n FROM execution e"  # noqa: S608
            f"{where.where} AND e.state = 'FAILED' GROUP BY 1) c JOIN flow f ON f.uid = c.flow_ref"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
            [*where.values, most],
        )
        return [(row[0], row[1]) for row in cursor.fetchall()]


def failing_flows(scope: Scope, most: int = 10) -> list[FlowFailures]:
    """Flows with failed executions, the most first, each with its last one and what that said."""
    where = scope.executions()
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.namespace, f.flow_id, c.n, last.id, last.error FROM (SELECT e.flow_ref, count(*) AS n"  # noqa: S608
            f" FROM execution e{where.where} AND e.state = 'FAILED' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s) c"
            " JOIN flow f ON f.uid = c.flow_ref CROSS JOIN LATERAL (SELECT x.id, x.error FROM execution x"
            " WHERE x.flow_ref = c.flow_ref AND x.state = 'FAILED' ORDER BY x.start_date DESC, x.id DESC LIMIT 1) last"
            " ORDER BY c.n DESC, f.namespace, f.flow_id",
            [*where.values, most],
        )
        return [
            FlowFailures(namespace, flow_id, count, from_uuid(last_id), error or "")
            for namespace, flow_id, count, last_id, error in cursor.fetchall()
        ]


@dataclass(frozen=True, slots=True)
class LongRun:
    """An execution that runs, with what its flow usually takes at most (None: it never succeeded)."""

    id: str
    namespace: str
    flow_id: str
    state: str
    started: datetime
    usual_ms: int | None


def running_longest(scope: Scope, states: Sequence[str], most: int = 10) -> list[LongRun]:
    """What has run longest and still does, whenever it started, with the 95th percentile of its flow's last runs."""
    where = Conditions(["e.state = ANY(%s)"], [list(states)])
    if scope.refs is not None:
        where.add("e.flow_ref = ANY(%s)", list(scope.refs))
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.namespace, e.flow_id, e.state, e.start_date, p.usual FROM (SELECT e.id, e.namespace,"  # noqa: S608
            f" e.flow_id, e.flow_ref, e.state, e.start_date FROM execution e{where.where} ORDER BY e.start_date, e.id"
            " LIMIT %s) e CROSS JOIN LATERAL (SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY r.duration_ms)"
            " AS usual FROM (SELECT x.duration_ms FROM execution x WHERE x.flow_ref = e.flow_ref"
            " AND x.state = 'SUCCESS' ORDER BY x.start_date DESC, x.id DESC LIMIT %s) r) p ORDER BY e.start_date, e.id",
            [*where.values, most, RECENT_RUNS],
        )
        return [LongRun(from_uuid(row[0]), *row[1:]) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class LineCount:
    """Lines written in a stretch of time, by level."""

    start: datetime
    trace: int
    debug: int
    info: int
    warn: int
    error: int

    @property
    def by_level(self) -> dict[str, int]:
        return {
            "TRACE": self.trace,
            "DEBUG": self.debug,
            "INFO": self.info,
            "WARN": self.warn,
            "ERROR": self.error,
        }


def lines_by_time(scope: Scope, step: timedelta) -> list[LineCount]:
    """Lines by stretch of ``step`` (hours at least) and level, from the rollup alone: never a scan of lines."""
    where = scope.namespaces("h.namespace")
    where.add("h.hour >= %s", scope.start.replace(minute=0, second=0, microsecond=0))
    where.add("h.hour < %s", scope.end)
    sums = ", ".join(f"sum(h.{level})::bigint" for level in ("trace", "debug", "info", "warn", "error"))
    values: list[Any] = [max(step, timedelta(hours=1)), scope.start.replace(minute=0, second=0, microsecond=0)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT date_bin(%s, h.hour, %s) AS bucket, {sums} FROM log_hour h{where.where} GROUP BY 1 ORDER BY 1",  # noqa: S608
            [*values, *where.values],
        )
        return [LineCount(*row) for row in cursor.fetchall()]
