"""Folds what happened into the counts of dashboards: executions by day, lines by hour. A chore, off the hot path.

Executions: the days that live events tell of are counted anew from the table, so no count can drift; each UTC day, and
when events were missed, all of them are. Lines: those are added whose transactions have surely ended.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.db import connection, transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import to_uuid
from apps.live.selectors import PAGE, parse_position, read_events, read_horizon, tenants_with_events
from apps.live.services import KEEP
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.workflows.models import Fold

EXECUTIONS: Final = "executions"
LINES: Final = "lines"
_LOCK: Final = 7_431_002
"""Advisory lock, with the open schema's number: a tenant is folded by one process at a time."""


def fold_rollups() -> None:
    """Walk over the tenants of which there are live events; a tenant without news costs nothing."""
    with public_scope():
        tenants = tenants_with_events()
    for tenant in tenants:
        try:
            with tenant_scope(tenant):
                fold_tenant(read_clock())
        except UnknownTenant:
            continue


def fold_tenant(now: datetime) -> None:
    """Fold what the open tenant has; nothing when another process does. Two transactions."""
    for fold in (_fold_executions, _fold_lines):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_try_advisory_xact_lock(%s, oid::int) FROM pg_namespace WHERE nspname = current_schema()",
                    [_LOCK],
                )
                if not cursor.fetchone()[0]:
                    return
            fold(now)


def _fold_executions(now: datetime) -> None:
    row = Fold.objects.filter(what=EXECUTIONS).first()
    position = None if row is None else parse_position(row.position)
    # the position is taken before the rows are counted: what commits in between is told of again
    if row is None or position is None or row.at.astimezone(UTC).date() != now.date() or now - row.at > KEEP / 2:
        reached = read_horizon()
        _count_days("DELETE FROM exec_day", "", [])
    else:
        ids: set[str] = set()
        reached = position
        while True:
            events, reached = read_events([require_tenant()], reached)
            ids |= {str(event.data["id"]) for event in events if event.kind == "execution"}
            if len(events) < PAGE:
                break
        days = _days_of(ids)
        if days:
            _count_days(
                "DELETE FROM exec_day WHERE day = ANY(%s)",
                " WHERE e.start_date >= d.day AND e.start_date < d.day + interval '1 day'",
                [days],
            )
    Fold.objects.update_or_create(what=EXECUTIONS, defaults={"at": now, "position": str(reached)})


def _days_of(ids: set[str]) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT date_trunc('day', start_date, 'UTC') FROM execution WHERE id = ANY(%s)",
            [[to_uuid(execution_id) for execution_id in ids]],
        )
        return [row[0] for row in cursor.fetchall()]


def _count_days(delete: str, where: str, values: list[list[datetime]]) -> None:
    days = ", unnest(%s::timestamptz[]) AS d(day)" if where else ""
    with connection.cursor() as cursor:
        cursor.execute(delete, [[day.date() for day in value] for value in values])
        cursor.execute(
            "INSERT INTO exec_day (day, namespace, state, count, duration_ms)"  # noqa: S608 - constants
            " SELECT (e.start_date AT TIME ZONE 'UTC')::date, f.namespace, e.state, count(*),"
            " coalesce(sum(e.duration_ms), 0)"
            f" FROM execution e JOIN flow f ON f.uid = e.flow_ref{days}{where} GROUP BY 1, 2, 3",
            values,
        )


def _fold_lines(now: datetime) -> None:
    row = Fold.objects.filter(what=LINES).first()
    done = 0 if row is None else int(row.position or 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint,"
            " coalesce((SELECT max(id) FROM log), 0) FROM pg_current_snapshot() AS s"
        )
        xmin, xmax, newest = cursor.fetchone()
        if row is not None and row.mark > done:
            if xmin < row.horizon:
                return  # a transaction that may hold a line below the mark is still open
            cursor.execute(_FOLD_LINES, [done, row.mark])
            done = row.mark
    Fold.objects.update_or_create(
        what=LINES, defaults={"at": now, "position": str(done), "mark": max(newest, done), "horizon": xmax}
    )


_FOLD_LINES = """
INSERT INTO log_hour AS h (hour, namespace, trace, debug, info, warn, error)
SELECT date_trunc('hour', l.ts, 'UTC'), f.namespace, count(*) FILTER (WHERE l.level = 1),
  count(*) FILTER (WHERE l.level = 2), count(*) FILTER (WHERE l.level = 3), count(*) FILTER (WHERE l.level = 4),
  count(*) FILTER (WHERE l.level = 5)
FROM log l JOIN flow f ON f.uid = l.flow_ref WHERE l.id > %s AND l.id <= %s GROUP BY 1, 2
ON CONFLICT (hour, namespace) DO UPDATE SET trace = h.trace + excluded.trace, debug = h.debug + excluded.debug,
  info = h.info + excluded.info, warn = h.warn + excluded.warn, error = h.error + excluded.error
"""
