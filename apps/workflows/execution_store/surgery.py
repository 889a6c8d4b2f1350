"""Surgery's SQL: a restart in place, and a new execution that begins with copies of another's task runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.ids import to_uuid
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.surgery import Replay, Surgery
from apps.workflows.execution_store.create import NewExecution, insert_execution
from apps.workflows.execution_store.json_text import dump
from apps.workflows.execution_store.load import Locked
from apps.workflows.execution_store.rows import RUN_COLUMNS, new_run_to_json, run_from_columns
from apps.workflows.execution_store.save import Extras, save_step

_DELETE_RUNS = """
WITH gone AS (
  DELETE FROM task_run WHERE execution_id = %s AND (id = ANY(%s) OR ancestors && %s::uuid[]) RETURNING id
)
DELETE FROM loop_values WHERE task_run_id IN (SELECT id FROM gone) OR task_run_id = ANY(%s)
"""
_COPY_RUNS = """
INSERT INTO task_run (id, execution_id, task_id, state, histories, attempts, outputs, value, iteration, parent_id,
  ancestors, branch, lane, idx, loop_key, pending, token, nudged_at, cursor)
SELECT r.id, %s, r.task_id, r.state, r.histories, r.attempts, s.outputs, r.value, r.iteration, r.parent_id,
  r.ancestors, r.branch, r.lane, r.idx, r.loop_key, r.pending, r.token, r.nudged_at, r.cursor
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, source uuid, task_id text, state text, histories jsonb,
  attempts jsonb, value text, iteration int, parent_id uuid, ancestors uuid[], branch text, lane int,
  idx int, loop_key bytea, pending boolean, token text, nudged_at timestamptz, cursor jsonb, n int)
LEFT JOIN task_run s ON s.id = r.source
ORDER BY r.n
"""
_COPY_VALUES = """
INSERT INTO loop_values (task_run_id, chunk, vals)
SELECT r.id, v.chunk, v.vals FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, source uuid)
JOIN loop_values v ON v.task_run_id = r.source
"""


def read_runs(execution_id: str, *, lock: bool) -> list[RunRow]:
    """The headers of all task runs of an execution, in order of ``seq``. With ``lock`` the rows are the caller's.

    The cost grows with the run: for what a person asks for only. The caller holds the execution's row.
    """
    order = "ORDER BY id FOR NO KEY UPDATE" if lock else "ORDER BY seq"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RUN_COLUMNS}, seq FROM task_run WHERE execution_id = %s {order}",  # noqa: S608 - constants
            [to_uuid(execution_id)],
        )
        rows = sorted(cursor.fetchall(), key=lambda columns: int(columns[-1]))
    return [run_from_columns(columns[:-1]) for columns in rows]


def save_surgery(tenant: str, locked: Locked, surgery: Surgery, now: datetime) -> None:
    """Write a restart or a set state. The caller holds the execution's row and those of all its task runs."""
    execution = locked.execution
    gone = [to_uuid(run_id) for run_id in surgery.deleted]
    emptied = [to_uuid(run_id) for run_id in surgery.emptied]
    if gone or emptied:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_RUNS, [to_uuid(execution.id), gone, gone + emptied, emptied])
    decision = Decision(execution_changed=True, entered=[execution.state.value], updated=list(surgery.updated.values()))
    save_step(tenant, locked, decision, Extras(), now)


def insert_copy(tenant: str, new: NewExecution, replay: Replay, now: datetime) -> None:
    """Insert an execution with the rows of a replay; what they keep of the old execution is copied in the database."""
    insert_execution(tenant, new, now)
    rows = [new_run_to_json(run, number) | {"source": _source(replay, run)} for number, run in enumerate(replay.runs)]
    if not rows:
        return
    copied: Sequence[dict[str, Any]] = [
        {"id": row["id"], "source": row["source"]} for row in rows if row["cursor"] is not None and row["source"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(_COPY_RUNS, [to_uuid(new.id), dump(rows)])
        if copied:
            cursor.execute(_COPY_VALUES, [dump(copied)])


def _source(replay: Replay, run: RunRow) -> str | None:
    source = replay.sources.get(run.id)
    return None if source is None else str(to_uuid(source))
