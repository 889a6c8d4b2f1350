"""Writing what a step decided: one statement for all rows, logs and metrics (engine-frames §10)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from apps.common.ids import to_uuid
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import NOT_LOADED, ExecutionRow
from apps.workflows.execution_store.json_text import clean_text, dump, stamp
from apps.workflows.execution_store.load import Locked
from apps.workflows.execution_store.rows import changes_to_json, new_run_to_json, run_to_json
from apps.workflows.models.loop_values import CHUNK
from apps.workflows.plugin_api.task import Level

MESSAGE_LIMIT = 10_240
"""Characters in one log entry; a longer message is cut into several (plugins.md B.8)."""
MILLISECOND = timedelta(milliseconds=1)
"""What the entries of one long message lie apart, so that sorting by time keeps their order."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line to store. ``moment`` orders lines of one run."""

    task_run_id: str | None
    attempt: int
    level: Level
    moment: datetime
    message: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric to store; a timer's value is in milliseconds."""

    task_run_id: str
    task_id: str
    kind: str
    name: str
    value: float
    tags: dict[str, str]
    moment: datetime


@dataclass(slots=True)
class Extras:
    """What is written in the step's commit beside its decision."""

    logs: list[LogRow] = field(default_factory=list)
    metrics: list[MetricRow] = field(default_factory=list)


_UPDATE_RUNS = """
UPDATE task_run t SET state = r.state, histories = r.histories, attempts = r.attempts, iteration = r.iteration,
  outputs = CASE WHEN r.has_outputs THEN r.outputs ELSE t.outputs END, pending = r.pending, token = r.token,
  nudged_at = r.nudged_at, cursor = r.cursor
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, state text, histories jsonb, attempts jsonb, has_outputs boolean,
  outputs jsonb, iteration int, pending boolean, token text, nudged_at timestamptz, cursor jsonb)
WHERE t.id = r.id
"""
_INSERT_RUNS = """
INSERT INTO task_run (id, execution_id, task_id, state, histories, attempts, outputs, value, iteration, parent_id,
  ancestors, branch, lane, idx, loop_key, pending, token, nudged_at, cursor)
SELECT r.id, %s, r.task_id, r.state, r.histories, r.attempts, r.outputs, r.value, r.iteration, r.parent_id,
  r.ancestors, r.branch, r.lane, r.idx, r.loop_key, r.pending, r.token, r.nudged_at, r.cursor
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, task_id text, state text, histories jsonb,
  attempts jsonb, outputs jsonb, value text, iteration int, parent_id uuid, ancestors uuid[], branch text, lane int,
  idx int, loop_key bytea, pending boolean, token text, nudged_at timestamptz, cursor jsonb, n int)
ORDER BY r.n
"""
_UPDATE_EXECUTION = """
UPDATE execution SET state = %s, histories = %s::jsonb, labels = %s::jsonb, cursor = %s::jsonb, pending = %s,
  paused = %s, hold = %s, slot = %s, told = %s, attempt_number = %s, error = %s,
  outputs = CASE WHEN %s THEN %s::jsonb ELSE outputs END, end_date = %s, duration_ms = %s
WHERE id = %s
"""
_INSERT_LOGS = """
INSERT INTO log (execution_id, task_run_id, flow_ref, ts, level, attempt, message)
SELECT %s, r.run, %s, r.ts, r.level, r.attempt, r.message
FROM jsonb_to_recordset(%s::jsonb) AS r(run uuid, ts timestamptz, level smallint, attempt smallint,
  message text, n int) ORDER BY r.n
"""
_INSERT_METRICS = """
INSERT INTO metric (execution_id, task_run_id, flow_ref, task_id, kind, name, value, tags, ts)
SELECT %s, r.run, %s, r.task, r.kind, r.name, r.value, r.tags, r.ts
FROM jsonb_to_recordset(%s::jsonb) AS r(run uuid, task text, kind text, name text, value float8, tags jsonb,
  ts timestamptz)
"""
_INSERT_VALUES = """
INSERT INTO loop_values (task_run_id, chunk, vals)
SELECT r.run, r.chunk, r.vals FROM jsonb_to_recordset(%s::jsonb) AS r(run uuid, chunk int, vals jsonb)
"""
_DELETE_RUNS = """
WITH gone AS (DELETE FROM task_run WHERE execution_id = %s AND ancestors && %s::uuid[] RETURNING id)
DELETE FROM loop_values WHERE task_run_id IN (SELECT id FROM gone)
"""
_DROP_LABELS = """
DELETE FROM execution_label l USING execution e
WHERE e.id = %s AND l.execution_id = e.id AND l.start_date = e.start_date AND l.term = ANY(%s)
"""
_ADD_LABELS = """
INSERT INTO execution_label (term, start_date, execution_id, flow_ref)
SELECT term, e.start_date, e.id, e.flow_ref FROM execution e, unnest(%s::bigint[]) AS term WHERE e.id = %s
ON CONFLICT DO NOTHING
"""
_TELL = "UPDATE execution SET told = true WHERE id = ANY(%s)"
_INSERT_EVENTS = """
INSERT INTO public.live_event (tenant, topic, namespace, kind, data, at)
SELECT %s, %s, %s, 'execution', r.data, %s
FROM jsonb_to_recordset(%s::jsonb) AS r(data jsonb, n int) ORDER BY r.n
"""


def save_step(
    tenant: str,
    locked: Locked,
    decision: Decision,
    extras: Extras,
    now: datetime,
    beside: Sequence[tuple[str, list[Any]]] = (),
) -> None:
    """Write the difference of a step in one statement. The caller holds the execution's row and commits.

    ``beside`` are further statements to run with it (the step's timers); they touch none of its rows.

    Deletions come first, in a statement of their own, since new rows may take their places.
    """
    execution = locked.execution
    uid = to_uuid(execution.id)
    if decision.emptied:
        with connection.cursor() as cursor:
            cursor.execute(_DELETE_RUNS, [uid, [to_uuid(run_id) for run_id in decision.emptied]])
    parts: list[tuple[str, list[Any]]] = []
    if decision.updated:
        parts.append((_UPDATE_RUNS, [dump([run_to_json(run) for run in decision.updated])]))
    if decision.inserted:
        parts.append((_INSERT_RUNS, [uid, dump([new_run_to_json(run, n) for n, run in enumerate(decision.inserted)])]))
    if decision.loop_values:
        parts.append((_INSERT_VALUES, [dump(_chunks(decision.loop_values))]))
    if decision.told:
        parts.append((_TELL, [[to_uuid(child) for child in decision.told]]))
    if decision.execution_changed:
        parts.append((_UPDATE_EXECUTION, _execution_values(execution, now)))
        parts += _label_parts(locked)
    lines = extras.logs + [
        LogRow(line.run_id, line.attempt, line.level, line.date, line.message) for line in decision.logs
    ]
    if lines:
        parts.append((_INSERT_LOGS, [uid, locked.flow_ref, dump(log_rows(lines))]))
    if extras.metrics:
        parts.append((_INSERT_METRICS, [uid, locked.flow_ref, dump(_metric_rows(extras.metrics))]))
    if decision.entered:
        parts.append(
            (
                _INSERT_EVENTS,
                [tenant, f"exec:{execution.id}", execution.namespace, now, dump(_event_rows(locked, decision))],
            )
        )
    run_parts([*beside, *parts])


def run_parts(parts: Sequence[tuple[str, list[Any]]]) -> int:
    """Run data-modifying statements as one: all but the last as common table expressions; rows of the last one."""
    if not parts:
        return 0
    *heads, (last_sql, last_values) = parts
    with_list = ", ".join(f"w{number} AS ({sql.strip()})" for number, (sql, _) in enumerate(heads))
    values = [value for _, held in heads for value in held] + last_values
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {with_list} {last_sql}" if heads else last_sql, values)
        return int(cursor.rowcount)


def log_rows(lines: Sequence[LogRow]) -> list[dict[str, Any]]:
    """Lines as recordset rows; a message over the limit becomes several, one millisecond apart."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        message = clean_text(line.message)
        for start in range(0, len(message) or 1, MESSAGE_LIMIT):
            rows.append(
                {
                    "n": len(rows),
                    "run": None if line.task_run_id is None else str(to_uuid(line.task_run_id)),
                    "ts": stamp(line.moment + start // MESSAGE_LIMIT * MILLISECOND),
                    "level": line.level.rank,
                    "attempt": line.attempt,
                    "message": message[start : start + MESSAGE_LIMIT],
                }
            )
    return rows


def insert_logs(execution_id: str, flow_ref: int, lines: Sequence[LogRow]) -> None:
    """Store lines by themselves: those of a long task, while it runs."""
    run_parts([(_INSERT_LOGS, [to_uuid(execution_id), flow_ref, dump(log_rows(lines))])])


def insert_metrics(execution_id: str, flow_ref: int, metrics: Sequence[MetricRow]) -> None:
    """Store metrics by themselves: those of a long task, while it runs."""
    run_parts([(_INSERT_METRICS, [to_uuid(execution_id), flow_ref, dump(_metric_rows(metrics))])])


def _label_parts(locked: Locked) -> list[tuple[str, list[Any]]]:
    """Statements that make the labels searchable as they are now; none for the ordinary step that sets no label."""
    execution = locked.execution
    if tuple(execution.labels) == locked.labels:
        return []
    before, after = label_terms(locked.labels), label_terms(execution.labels)
    uid = to_uuid(execution.id)
    return [(_DROP_LABELS, [uid, sorted(before - after)]), (_ADD_LABELS, [sorted(after - before), uid])]


def label_terms(labels: Iterable[tuple[str, str]]) -> set[int]:
    """Terms of labels: of each, one for its key and one for key and value."""
    return {label_term(text) for key, value in labels for text in (key, f"{key}={value}")}


def label_term(text: str) -> int:
    """The number that stands for 'key' or 'key=value' in execution_label: first eight bytes of a digest of ours."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _metric_rows(metrics: Sequence[MetricRow]) -> list[dict[str, Any]]:
    return [
        {
            "run": str(to_uuid(row.task_run_id)),
            "task": row.task_id,
            "kind": row.kind,
            "name": row.name,
            "value": row.value,
            "tags": row.tags,
            "ts": stamp(row.moment),
        }
        for row in metrics
    ]


def _chunks(loop_values: dict[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    return [
        {"run": str(to_uuid(run_id)), "chunk": start // CHUNK, "vals": list(values[start : start + CHUNK])}
        for run_id, values in loop_values.items()
        for start in range(0, len(values), CHUNK)
    ]


def _execution_values(execution: ExecutionRow, now: datetime) -> list[Any]:
    ended = execution.state.ended
    start, last = execution.histories[0].date, execution.histories[-1].date
    has_outputs = execution.outputs is not NOT_LOADED
    return [
        execution.state.value,
        dump(changes_to_json(execution.histories)),
        dump([{"key": key, "value": value} for key, value in execution.labels]),
        None if execution.cursor is None else dump(execution.cursor.to_json()),
        execution.pending,
        execution.paused,
        execution.hold,
        execution.slot,
        execution.told,
        execution.attempt_number,
        None if execution.error is None else clean_text(execution.error)[:300],
        has_outputs,
        dump(execution.outputs) if has_outputs and execution.outputs is not None else None,
        last if ended else None,
        int((last - start).total_seconds() * 1000) if ended else None,
        to_uuid(execution.id),
    ]


def _event_rows(locked: Locked, decision: Decision) -> list[dict[str, Any]]:
    execution = locked.execution
    # The state before the step is the history entry just before those the step added.
    before = execution.histories[: len(execution.histories) - len(decision.entered)]
    old = before[-1].state.value if before else None
    rows: list[dict[str, Any]] = []
    for state in decision.entered:
        rows.append(
            {
                "n": len(rows),
                "data": {
                    "id": execution.id,
                    "flowRef": locked.flow_ref,
                    "flowId": execution.flow_id,
                    "old": old,
                    "new": str(state),
                    "start": stamp(execution.histories[0].date),
                },
            }
        )
        old = str(state)
    return rows
