"""Columns of Execution and TaskRun as the engine's rows, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.frontier import NOT_LOADED, Attempt, Change, ExecutionRow, RunRow
from apps.workflows.execution_store.json_text import parse, stamp
from apps.workflows.plugin_api.state import State

EXECUTION_COLUMNS = (
    "id, namespace, flow_id, flow_revision, flow_ref, state, histories, labels, cursor, pending, paused, hold, slot,"
    " parent_execution_id, parent_run_id, parent_token, batch, told, attempt_number, original_id, original_created,"
    " schedule_date, error"
)
RUN_COLUMNS = (
    "id, task_id, state, histories, parent_id, ancestors, branch, lane, idx, loop_key, value, iteration, attempts,"
    " pending, token, nudged_at, cursor"
)
RUN_COLUMNS_T = ", ".join("t." + name.strip() for name in RUN_COLUMNS.split(","))


def changes_to_json(histories: Iterable[Change]) -> list[dict[str, str]]:
    """A history as it is stored and as the API shows it."""
    return [{"state": entry.state.value, "date": stamp(entry.date)} for entry in histories]


def changes_from_json(held: Iterable[dict[str, str]]) -> list[Change]:
    """The inverse of ``changes_to_json``."""
    return [Change(State(entry["state"]), datetime.fromisoformat(entry["date"])) for entry in held]


def attempts_to_json(attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    """Attempts as they are stored."""
    return [
        {"histories": changes_to_json(attempt.histories)} | ({"logFile": attempt.log_file} if attempt.log_file else {})
        for attempt in attempts
    ]


def attempts_from_json(held: Iterable[dict[str, Any]] | None) -> list[Attempt]:
    """The inverse of ``attempts_to_json``."""
    return [Attempt(changes_from_json(item["histories"]), item.get("logFile")) for item in held or ()]


def execution_from_columns(columns: Sequence[Any]) -> tuple[ExecutionRow, int]:
    """The row of EXECUTION_COLUMNS and the flow's number."""
    (
        row_id, namespace, flow_id, revision, flow_ref, state, histories, labels, cursor, pending, paused, hold, slot,
        parent_execution_id, parent_run_id, parent_token, batch, told, attempt_number, original_id, original_created,
        schedule_date, error,
    ) = columns  # fmt: skip
    row = ExecutionRow(
        id=from_uuid(row_id),
        namespace=namespace,
        flow_id=flow_id,
        flow_revision=revision,
        state=State(state),
        histories=changes_from_json(parse(histories)),
        labels=[(label["key"], label["value"]) for label in parse(labels)],
        cursor=None if cursor is None else Cursor.from_json(parse(cursor)),
        pending=pending,
        paused=paused,
        hold=hold,
        slot=slot,
        parent_execution_id=_short(parent_execution_id),
        parent_run_id=_short(parent_run_id),
        parent_token=parent_token,
        batch=batch,
        told=told,
        attempt_number=attempt_number,
        original_id=_short(original_id),
        original_created=original_created,
        schedule_date=schedule_date,
        error=error,
    )
    return row, flow_ref


def run_from_columns(columns: Sequence[Any]) -> RunRow:
    """The row of RUN_COLUMNS; its outputs are not loaded."""
    (
        row_id, task_id, state, histories, parent_id, ancestors, branch, lane, idx, loop_key, value, iteration,
        attempts, pending, token, nudged_at, cursor,
    ) = columns  # fmt: skip
    return RunRow(
        id=from_uuid(row_id),
        task_id=task_id,
        state=State(state),
        histories=changes_from_json(parse(histories)),
        parent_id=_short(parent_id),
        ancestors=tuple(from_uuid(item) for item in ancestors),
        branch=branch,
        lane=lane,
        idx=idx,
        loop_key=bytes(loop_key),
        value=value,
        iteration=iteration,
        attempts=attempts_from_json(parse(attempts)),
        pending=pending,
        token=token,
        nudged_at=nudged_at,
        cursor=None if cursor is None else Cursor.from_json(parse(cursor)),
    )


def run_to_json(run: RunRow) -> dict[str, Any]:
    """The columns that a step may have changed, for jsonb_to_recordset."""
    return {
        "id": str(to_uuid(run.id)),
        "state": run.state.value,
        "histories": changes_to_json(run.histories),
        "attempts": attempts_to_json(run.attempts) if run.attempts else None,
        "has_outputs": run.outputs is not NOT_LOADED,
        "outputs": None if run.outputs is NOT_LOADED else run.outputs,
        "iteration": run.iteration,
        "pending": run.pending,
        "token": run.token,
        "nudged_at": None if run.nudged_at is None else stamp(run.nudged_at),
        "cursor": None if run.cursor is None else run.cursor.to_json(),
    }


def new_run_to_json(run: RunRow, position: int) -> dict[str, Any]:
    """All columns of a new row, for jsonb_to_recordset; rows are inserted, and so numbered, by ``position``."""
    return run_to_json(run) | {
        "n": position,
        "task_id": run.task_id,
        "parent_id": None if run.parent_id is None else str(to_uuid(run.parent_id)),
        "ancestors": [str(to_uuid(item)) for item in run.ancestors],
        "branch": run.branch,
        "lane": run.lane,
        "idx": run.idx,
        "loop_key": "\\x" + run.loop_key.hex(),
        "value": run.value,
    }


def _short(value: Any) -> str | None:
    return None if value is None else from_uuid(value)
