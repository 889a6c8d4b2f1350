"""Executions that task runs of another execution started."""

from __future__ import annotations

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.models.task_run import OPEN_STATES


def open_children(run_id: str, limit: int) -> list[str]:
    """Ids of the executions that a run started, that have not ended and that were not let go. Not locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM execution WHERE parent_run_id = %s AND NOT told AND end_date IS NULL ORDER BY id LIMIT %s",
            [to_uuid(run_id), limit],
        )
        return [from_uuid(row[0]) for row in cursor.fetchall()]


def let_children_go(execution_id: str) -> None:
    """Nobody waits any more for what the open runs of an execution started; a kill will not reach it.

    The caller holds the execution's row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE execution SET told = true WHERE NOT told AND parent_run_id IN"
            " (SELECT id FROM task_run WHERE execution_id = %s AND state = ANY(%s))",
            [to_uuid(execution_id), OPEN_STATES],
        )
