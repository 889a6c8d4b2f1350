"""Outputs and states of task runs, one row at a time: what expressions ask for (engine-frames §11)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid

WHOLE_LIMIT = 10_000
"""Most rows read when an expression uses all outputs of a task in a loop at once."""


def read_outputs(execution_id: str, task_id: str, loop_key: bytes) -> tuple[bool, Any, str | None]:
    """(found, outputs, state) of the newest run of a task at one place of its loops."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT outputs, state FROM task_run WHERE execution_id = %s AND task_id = %s AND loop_key = %s"
            " ORDER BY seq DESC LIMIT 1",
            [to_uuid(execution_id), task_id, loop_key],
        )
        row = cursor.fetchone()
    return (False, None, None) if row is None else (True, _parse(row[0]), row[1])


def list_outputs(execution_id: str, task_id: str) -> list[tuple[list[str], Any, str]]:
    """(loop values from the outermost in, outputs, state) of all runs of a task, in order.

    OverflowError above WHOLE_LIMIT rows. The values come from the run itself and its ancestors.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array(SELECT a.value FROM task_run a WHERE a.id = ANY(t.ancestors || t.id) AND a.value IS NOT NULL"
            "   ORDER BY cardinality(a.ancestors)), t.outputs, t.state"
            " FROM task_run t WHERE t.execution_id = %s AND t.task_id = %s ORDER BY t.seq LIMIT %s",
            [to_uuid(execution_id), task_id, WHOLE_LIMIT + 1],
        )
        rows = cursor.fetchall()
    if len(rows) > WHOLE_LIMIT:
        raise OverflowError(
            f"`outputs.{task_id}` has more than {WHOLE_LIMIT} entries and cannot be used as a whole; name the iteration"
        )
    return [(list(row[0]), _parse(row[1]), row[2]) for row in rows]


@dataclass(frozen=True, slots=True)
class ExecutionEnd:
    """How an execution stands, and what its flow gave."""

    state: str
    outputs: Any


def read_end(execution_id: str) -> ExecutionEnd | None:
    """State and outputs of an execution; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, outputs FROM execution WHERE id = %s", [to_uuid(execution_id)])
        row = cursor.fetchone()
    return None if row is None else ExecutionEnd(row[0], _parse(row[1]))


def ran_tasks(execution_id: str) -> list[str]:
    """Ids of the tasks that have a run, in the order of their first one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_id FROM task_run WHERE execution_id = %s GROUP BY task_id ORDER BY min(seq)",
            [to_uuid(execution_id)],
        )
        return [row[0] for row in cursor.fetchall()]


def read_ancestors(ancestor_ids: Sequence[str]) -> list[tuple[str, str, str | None, Any]]:
    """(run id, task id, value, outputs) of ancestors, closest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, task_id, value, outputs FROM task_run WHERE id = ANY(%s) ORDER BY cardinality(ancestors) DESC",
            [[to_uuid(run_id) for run_id in ancestor_ids]],
        )
        return [(from_uuid(row[0]), row[1], row[2], _parse(row[3])) for row in cursor.fetchall()]


def _parse(held: str | None) -> Any:
    """A jsonb column as a raw cursor gives it: as text."""
    return None if held is None else json.loads(held)
