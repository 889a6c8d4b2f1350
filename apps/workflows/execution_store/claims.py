"""Claims: winning a task run by one conditional update, and looking whether it is still held (engine-frames §9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.frontier import Attempt, Change, RunRow
from apps.workflows.execution_store.json_text import dump, parse
from apps.workflows.execution_store.rows import (
    RUN_COLUMNS_T,
    attempts_to_json,
    changes_to_json,
    run_from_columns,
    run_to_json,
)
from apps.workflows.plugin_api.state import State

_AFTER_END = "EXISTS (SELECT 1 FROM task_run o WHERE o.id = coalesce(t.ancestors[1], t.id) AND o.branch = 'l')"
"""A listener's run, or one below it: they run after the execution's end."""

_CLAIM = f"""
UPDATE task_run t SET state = 'RUNNING', token = %s, nudged_at = NULL, histories = t.histories || %s::jsonb,
  attempts = coalesce(t.attempts, '[]'::jsonb) || %s::jsonb
FROM execution e
WHERE t.id = %s AND t.state IN ('CREATED', 'RESTARTED') AND t.token IS NULL AND NOT t.pending
  AND e.id = t.execution_id AND NOT e.hold
  AND (e.state IN ('RUNNING', 'RETRYING', 'PAUSED') OR {_AFTER_END})
RETURNING {RUN_COLUMNS_T}
"""  # noqa: S608 - constants


_CLAIM_WAITING = f"""
UPDATE task_run t SET state = 'RUNNING', token = %s, nudged_at = NULL, histories = t.histories || %s::jsonb,
  attempts = coalesce(t.attempts, '[]'::jsonb) || %s::jsonb
FROM execution e
WHERE t.id = (
    SELECT w.id FROM task_run w WHERE w.execution_id = %s AND w.state IN ('CREATED', 'RESTARTED') AND w.token IS NULL
      AND NOT w.pending AND w.nudged_at IS NOT NULL AND (%s::text[] IS NULL OR w.task_id = ANY(%s::text[]))
    ORDER BY w.nudged_at LIMIT 1 FOR UPDATE SKIP LOCKED)
  AND e.id = t.execution_id AND NOT e.hold AND (e.state IN ('RUNNING', 'RETRYING', 'PAUSED') OR {_AFTER_END})
RETURNING {RUN_COLUMNS_T}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class ExecutionFacts:
    """What does not change while an execution runs: read once per drive. ``labels`` may be older than the row."""

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    flow_ref: int
    inputs: dict[str, Any]
    variables: dict[str, Any]
    trigger: dict[str, Any] | None
    labels: list[tuple[str, str]]
    start_date: datetime
    original_id: str | None


def claim_task_run(run_id: str, token: str, now: datetime) -> RunRow | None:
    """Claim a run that waits for a worker: RUNNING, with the token and a new attempt. None: not to be had.

    Locks the run's row alone. Commits with the caller's transaction, or at once without one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [token, *_started(now), to_uuid(run_id)])
        columns = cursor.fetchone()
    return None if columns is None else run_from_columns(columns)


def claim_waiting_run(execution_id: str, task_ids: list[str] | None, token: str, now: datetime) -> RunRow | None:
    """Claim the run of an execution that waits longest for a worker (of these tasks, or of any). None: none waits.

    Rows that others are claiming are passed over. One indexed query, however many wait.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_WAITING, [token, *_started(now), to_uuid(execution_id), task_ids, task_ids])
        columns = cursor.fetchone()
    return None if columns is None else run_from_columns(columns)


def _started(now: datetime) -> tuple[str, str]:
    """What a claim adds to the histories of the run, and its new attempt."""
    started = Change(State.RUNNING, now)
    attempt = Attempt([Change(State.CREATED, now), started])
    return dump(changes_to_json([started])), dump(attempts_to_json([attempt]))


_STILL_HELD = f"""
SELECT 1 FROM task_run t JOIN execution e ON e.id = t.execution_id WHERE t.id = %s AND t.token = %s
  AND t.state = 'RUNNING'
  AND (e.state IN ('RUNNING', 'RETRYING', 'PAUSED', 'RESTARTED', 'CREATED') OR {_AFTER_END})
"""  # noqa: S608 - constants


def still_held(run_id: str, token: str) -> bool:
    """False when a running task must stop: its claim was taken away, or its execution is killed or ended."""
    with connection.cursor() as cursor:
        cursor.execute(_STILL_HELD, [to_uuid(run_id), token])
        return cursor.fetchone() is not None


def held_by(process_id: str) -> list[tuple[str, str, str]]:
    """Claims of a process in the open tenant: (execution id, run id, token). Tokens begin with the process's id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT execution_id, id, token FROM task_run WHERE token >= %s AND token < %s AND state = 'RUNNING'",
            [f"{process_id}:", f"{process_id};"],
        )
        return [(from_uuid(row[0]), from_uuid(row[1]), row[2]) for row in cursor.fetchall()]


def store_result_beside(run: RunRow) -> bool:
    """The busy path (engine-frames §9.6): keep a result in the run's own row, ended and pending, under its token.

    ``run`` is the claimed run with its end written into it. False: the claim is no longer ours.
    """
    held = run_to_json(run)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE task_run t SET state = r.state, histories = r.histories, attempts = r.attempts,"
            " outputs = r.outputs, pending = true"
            " FROM jsonb_to_record(%s::jsonb) AS r(state text, histories jsonb, attempts jsonb, outputs jsonb)"
            " WHERE t.id = %s AND t.token = %s AND t.state = 'RUNNING'",
            [dump(held), to_uuid(run.id), run.token],
        )
        return bool(cursor.rowcount == 1)


def read_facts(execution_id: str) -> ExecutionFacts | None:
    """The execution's inputs, trigger and the like; no lock. None when there is no such execution."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT namespace, flow_id, flow_revision, flow_ref, inputs, variables, trigger, labels, start_date,"
            " original_id FROM execution WHERE id = %s",
            [to_uuid(execution_id)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    namespace, flow_id, revision, flow_ref, inputs, variables, trigger, labels, start_date, original_id = row
    return ExecutionFacts(
        id=execution_id,
        namespace=namespace,
        flow_id=flow_id,
        flow_revision=revision,
        flow_ref=flow_ref,
        inputs=parse(inputs) or {},
        variables=parse(variables) or {},
        trigger=parse(trigger),
        labels=[(label["key"], label["value"]) for label in parse(labels)],
        start_date=start_date,
        original_id=None if original_id is None else from_uuid(original_id),
    )
