"""Task runs as a tree, a bounded part at a time: what the Gantt and the outputs of an execution show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.cursor import Cursor

PAGE: Final = 200
"""Most task runs read at once."""
DEEPEST: Final = 6
"""How many levels open by themselves."""


@dataclass(frozen=True, slots=True)
class TreeRun:
    """One task run in its place. `children` counts those that have ended by state, for a frame; `open` the others."""

    id: str
    seq: int
    task_id: str
    state: str
    parent_id: str | None
    value: str | None
    changes: list[tuple[str, datetime]]
    attempts: int
    is_frame: bool
    is_loop: bool
    children: dict[str, int]
    has_outputs: bool

    @property
    def started(self) -> datetime:
        """When it was created."""
        return self.changes[0][1]


@dataclass(slots=True)
class TreeLevel:
    """Task runs in the order they are shown, each with its depth; frames that were not opened are in `closed`.

    `more` names frames (None: the execution) that have further children, with the number to go on after.
    """

    rows: list[tuple[int, TreeRun]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    more: dict[str | None, int] = field(default_factory=dict)


_SELECT = """
SELECT t.id, t.seq, t.task_id, t.state, t.parent_id, t.value, t.histories, coalesce(jsonb_array_length(t.attempts), 0),
  t.cursor, t.outputs IS NOT NULL AND t.outputs <> '{}'::jsonb,
  t.cursor IS NOT NULL AND EXISTS (
    SELECT 1 FROM task_run c WHERE coalesce(c.parent_id, c.execution_id) = t.id
      AND c.branch = 'm' AND c.lane = 0 AND c.idx = 0 AND c.value IS NOT NULL)
FROM task_run t
"""


def read_tree(
    execution_id: str, *, parent_id: str | None = None, after: int = 0, opened: frozenset[str] = frozenset()
) -> TreeLevel:
    """Children of a frame (None: of the execution) after a number, with those of frames that are no loops below them.

    Loops stay closed, their rows may be many, but for those in `opened`, of which the first PAGE children are read.
    One query a level and one for each that is opened; at most PAGE rows beside those.
    """
    runs = _children(execution_id, [parent_id], after, PAGE)
    level = TreeLevel()
    if len(runs) > PAGE:
        runs = runs[:PAGE]
        level.more[parent_id] = runs[-1].seq
    first, room = runs, PAGE - len(runs)
    below: dict[str, list[TreeRun]] = {}
    for _ in range(DEEPEST):
        found: list[TreeRun] = []
        frames = [run.id for run in runs if run.is_frame and not run.is_loop and run.id not in opened]
        if frames and room > 0:
            children = _children(execution_id, frames, 0, room)
            if len(children) <= room:  # half a level would hide rows without saying so: its frames stay closed instead
                below |= {frame: [] for frame in frames}
                for child in children:
                    below[child.parent_id or ""].append(child)
                found, room = children, room - len(children)
        for frame in (run.id for run in runs if run.id in opened):
            children = _children(execution_id, [frame], 0, PAGE)
            if len(children) > PAGE:
                children = children[:PAGE]
                level.more[frame] = children[-1].seq
            below[frame] = children
            found = [*found, *children]
        if not found:
            break
        runs = found
    _lay_out(level, first, below, 0)
    return level


def _lay_out(level: TreeLevel, runs: Sequence[TreeRun], below: dict[str, list[TreeRun]], depth: int) -> None:
    for run in runs:
        level.rows.append((depth, run))
        if run.id in below:
            _lay_out(level, below[run.id], below, depth + 1)
        elif run.is_frame:
            level.closed.add(run.id)


def _children(execution_id: str, parents: Sequence[str | None], after: int, limit: int) -> list[TreeRun]:
    wanted = [to_uuid(parent or execution_id) for parent in parents]
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE t.execution_id = %s AND coalesce(t.parent_id, t.execution_id) = ANY(%s) AND t.seq > %s"
            " ORDER BY t.seq LIMIT %s",
            [to_uuid(execution_id), wanted, after, limit + 1],
        )
        return [_run(row) for row in cursor.fetchall()]


def find_run(execution_id: str, run_id: str) -> TreeRun | None:
    """One task run of an execution."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} WHERE t.execution_id = %s AND t.id = %s", [to_uuid(execution_id), to_uuid(run_id)])
        row = cursor.fetchone()
    return None if row is None else _run(row)


def list_runs_in(execution_id: str, states: Sequence[str], *, limit: int) -> list[TreeRun]:
    """Task runs in one of these states, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE t.execution_id = %s AND t.state = ANY(%s) ORDER BY t.seq LIMIT %s",
            [to_uuid(execution_id), list(states), limit],
        )
        return [_run(row) for row in cursor.fetchall()]


def read_attempts(execution_id: str, run_id: str) -> list[list[tuple[str, datetime]]]:
    """The history of each attempt at a task run, oldest first; none before a worker has taken it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempts FROM task_run WHERE execution_id = %s AND id = %s",
            [to_uuid(execution_id), to_uuid(run_id)],
        )
        row = cursor.fetchone()
    held = [] if row is None or row[0] is None else json.loads(row[0])
    return [
        [(entry["state"], datetime.fromisoformat(entry["date"])) for entry in attempt["histories"]] for attempt in held
    ]


def list_runs_with_outputs(execution_id: str, *, after: int = 0, limit: int = PAGE) -> list[TreeRun]:
    """Task runs that left outputs, in order, after a number; one more than `limit` when there are further ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE t.execution_id = %s AND t.outputs IS NOT NULL AND t.outputs <> '{{}}'::jsonb"
            " AND t.seq > %s ORDER BY t.seq LIMIT %s",
            [to_uuid(execution_id), after, limit + 1],
        )
        return [_run(row) for row in cursor.fetchall()]


def read_run_outputs(execution_id: str, run_id: str) -> Any:
    """The outputs of one task run as they are stored; None when there are none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT outputs FROM task_run WHERE execution_id = %s AND id = %s", [to_uuid(execution_id), to_uuid(run_id)]
        )
        row = cursor.fetchone()
    return None if row is None or row[0] is None else json.loads(row[0])


def _run(row: Sequence[Any]) -> TreeRun:
    run_id, seq, task_id, state, parent_id, value, histories, attempts, held, has_outputs, is_loop = row
    cursor = None if held is None else Cursor.from_json(json.loads(held))
    return TreeRun(
        id=from_uuid(run_id),
        seq=seq,
        task_id=task_id,
        state=state,
        parent_id=None if parent_id is None else from_uuid(parent_id),
        value=value,
        changes=[(entry["state"], datetime.fromisoformat(entry["date"])) for entry in json.loads(histories)],
        attempts=attempts,
        is_frame=cursor is not None,
        is_loop=is_loop,
        children={} if cursor is None else _counts(cursor),
        has_outputs=has_outputs,
    )


def _counts(cursor: Cursor) -> dict[str, int]:
    counts = {
        "SUCCESS": cursor.ok,
        "WARNING": cursor.warn,
        "FAILED": cursor.fail,
        "KILLED": cursor.kill,
        "RUNNING": cursor.open + cursor.eopen,
    }
    return {state: count for state, count in counts.items() if count}
