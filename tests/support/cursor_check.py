"""Whether each frame of an execution has the cursor that its children call for."""

from __future__ import annotations

from collections import defaultdict

from django.db import connection

from apps.common.ids import to_uuid
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.rebuild import rebuild
from apps.workflows.execution_store.load import lock_execution
from apps.workflows.execution_store.rows import RUN_COLUMNS, run_from_columns
from apps.workflows.services.definitions import load_flow


def wrong_cursors(execution_id: str) -> list[str]:
    """One line for each frame whose cursor differs from its rebuild. Call inside a transaction."""
    locked = lock_execution(execution_id)
    assert locked is not None
    compiled = load_flow(locked.flow_ref, locked.execution.flow_revision).compiled
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {RUN_COLUMNS} FROM task_run WHERE execution_id = %s", [to_uuid(execution_id)])
        runs = [run_from_columns(columns) for columns in cursor.fetchall()]
    children: dict[str, list[RunRow]] = defaultdict(list)
    for run in runs:
        children[run.parent_id or execution_id].append(run)
    frames = [locked.execution, *(run for run in runs if run.cursor is not None)]
    wrong = []
    for frame in frames:
        if frame.cursor is None:
            continue
        called_for = rebuild(compiled, frame, children[frame.id])
        if called_for != frame.cursor:
            wrong.append(f"{frame.id}: has {frame.cursor.to_json()}, children call for {called_for.to_json()}")
    return wrong
