"""Deleting executions with what belongs to them; there are no foreign keys to do it (read-side.md §9)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from apps.common.ids import to_uuid


def delete_executions(execution_ids: Sequence[str], *, logs: bool = True, metrics: bool = True) -> int:
    """Delete executions, their task runs and label rows, and (if asked) logs and metrics. Answers how many.

    The rows are locked in the order of their ids. Files in storage are the caller's, after the commit.
    """
    ids = sorted(to_uuid(execution_id) for execution_id in execution_ids)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM execution WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids])
        found = [row[0] for row in cursor.fetchall()]
        if not found:
            return 0
        if logs:
            cursor.execute("DELETE FROM log WHERE execution_id = ANY(%s)", [found])
        if metrics:
            cursor.execute("DELETE FROM metric WHERE execution_id = ANY(%s)", [found])
        cursor.execute(
            "DELETE FROM loop_values WHERE task_run_id IN (SELECT id FROM task_run WHERE execution_id = ANY(%s))",
            [found],
        )
        cursor.execute("DELETE FROM task_run WHERE execution_id = ANY(%s)", [found])
        cursor.execute(
            "DELETE FROM execution_label l USING execution e WHERE e.id = ANY(%s) AND l.execution_id = e.id"
            " AND l.start_date = e.start_date",
            [found],
        )
        cursor.execute("DELETE FROM execution_template WHERE execution_id = ANY(%s)", [found])
        cursor.execute("DELETE FROM execution WHERE id = ANY(%s)", [found])
    return len(found)
