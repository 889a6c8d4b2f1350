"""The pulse of executions: a few values that differ whenever something happened, read for many at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.models.task_run import OPEN_STATES


@dataclass(frozen=True, slots=True)
class Pulse:
    """Versions of the execution's row and of its open task runs, the newest task run, the newest line."""

    state: str
    version: str
    newest_run: int
    open_runs: int
    open_version: int
    newest_line: int


_OPEN = ", ".join(f"'{state}'" for state in OPEN_STATES)
_READ = f"""
SELECT w.id, e.state, e.xmin::text, coalesce(r.newest, 0), o.n, o.version, coalesce(l.newest, 0)
FROM unnest(%s::uuid[]) AS w(id) JOIN execution e ON e.id = w.id
CROSS JOIN LATERAL (SELECT max(t.seq) AS newest FROM task_run t WHERE t.execution_id = w.id) r
CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(t.xmin::text::bigint), 0) AS version FROM task_run t
  WHERE t.execution_id = w.id AND t.state IN ({_OPEN})) o
CROSS JOIN LATERAL (SELECT max(g.id) AS newest FROM log g WHERE g.execution_id = w.id) l
"""  # noqa: S608 - constants


def read_pulses(execution_ids: Iterable[str]) -> dict[str, Pulse]:
    """By id, of those that are there. One query; its cost grows with the open task runs, not with all."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, [[to_uuid(execution_id) for execution_id in execution_ids]])
        return {from_uuid(row[0]): Pulse(*row[1:]) for row in cursor.fetchall()}
