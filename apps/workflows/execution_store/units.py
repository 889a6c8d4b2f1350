"""What the worker of a unit looks up between its steps: the child it must run, and the try a child waits for."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from apps.common.ids import to_uuid
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.rows import RUN_COLUMNS, run_from_columns


def running_child(unit_id: str, token: str) -> RunRow | None:
    """The child that runs under the unit's claim; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RUN_COLUMNS} FROM task_run WHERE parent_id = %s AND token = %s AND state = 'RUNNING'",  # noqa: S608
            [to_uuid(unit_id), token],
        )
        columns = cursor.fetchone()
    return None if columns is None else run_from_columns(columns)


def next_try_at(run_id: str) -> datetime | None:
    """When a run that is RETRYING is due again; None when it is not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nudged_at FROM task_run WHERE id = %s AND state = 'RETRYING'",
            [to_uuid(run_id)],
        )
        row = cursor.fetchone()
    return None if row is None else row[0]
