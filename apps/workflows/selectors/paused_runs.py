"""The pause that resuming an execution is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.common.current_tenant import require_tenant
from apps.common.ids import from_uuid, to_uuid


@dataclass(frozen=True, slots=True)
class PausedRun:
    """The oldest run of an execution that is PAUSED, and whether a person holds the execution besides."""

    id: str
    task_id: str
    flow_revision: int
    hold: bool


def find_paused_run(execution_id: str) -> PausedRun | None:
    """One query; None when no run is paused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.id, t.task_id, e.flow_revision, e.hold FROM task_run t JOIN execution e ON e.id = t.execution_id"
            " WHERE t.execution_id = %s AND t.state = 'PAUSED' ORDER BY t.seq LIMIT 1",
            [to_uuid(execution_id)],
        )
        row = cursor.fetchone()
    return None if row is None else PausedRun(from_uuid(row[0]), *row[1:])


def pause_deadlines(execution_ids: Iterable[str]) -> dict[str, datetime]:
    """When the pauses of these executions time out, the earliest of each; those without a timeout are left out.

    One query: a range of the timers' index each.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT wanted.id, min(t.due_at) FROM unnest(%s::text[]) AS wanted(id) JOIN public.timer t"
            " ON t.tenant = %s AND t.kind = 'pause_timeout'"
            " AND t.key COLLATE \"C\" >= wanted.id || ':' AND t.key COLLATE \"C\" < wanted.id || ';' GROUP BY 1",
            [list(execution_ids), require_tenant()],
        )
        return dict(cursor.fetchall())
