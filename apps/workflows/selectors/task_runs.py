"""Task runs of an execution as the API shows them, in the order they were created, a bounded number at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid, to_uuid

PAGE: Final = 2000
"""Most task runs in one answer: a tenth of a second of work."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""Most outputs in one answer, as they are stored (compressed); the task run that goes beyond is its last."""


@dataclass(frozen=True, slots=True)
class TaskRunRow:
    """One task run, its JSON columns as they are stored."""

    id: str
    task_id: str
    parent_id: str | None
    state: str
    histories: list[dict[str, str]]
    attempts: list[dict[str, Any]] | None
    outputs: dict[str, Any] | None
    value: str | None
    iteration: int | None


@dataclass(frozen=True, slots=True)
class TaskRunPage:
    """Some task runs; `following` is the id after which the next page begins, None on the last."""

    runs: Sequence[TaskRunRow]
    following: str | None


_COLUMNS = "id, task_id, parent_id, state, histories, attempts, outputs, value, iteration"


def list_task_runs(execution_id: str, *, after: str | None = None, limit: int = PAGE) -> TaskRunPage:
    """Those of an execution that were created after the task run `after` (from the first when None). One query that
    reads no more than it answers, and one row; fewer than `limit` when their outputs are large."""
    values: list[Any] = [to_uuid(execution_id)]
    later = ""
    if after is not None:
        later = " AND seq > (SELECT seq FROM task_run WHERE id = %s)"
        values.append(to_uuid(after))
    # The window adds up sizes that stand in the rows' heads: outputs beyond the limit are not fetched.
    sql = f"""
SELECT {_COLUMNS}, found FROM (
  SELECT *, count(*) OVER () AS found, sum(size) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - size AS before
  FROM (SELECT {_COLUMNS}, seq, coalesce(pg_column_size(outputs), 0) AS size FROM task_run
        WHERE execution_id = %s{later} ORDER BY seq LIMIT %s) AS page) AS measured
WHERE before <= %s ORDER BY seq LIMIT %s
"""  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, limit + 1, MOST_BYTES, limit])
        rows = cursor.fetchall()
    runs = [_row(columns[:-1]) for columns in rows]
    return TaskRunPage(runs, runs[-1].id if runs and rows[-1][-1] > len(runs) else None)


def find_failed_task(execution_id: str) -> str | None:
    """The task of the last run that failed; one inside another comes later than that. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_id FROM task_run WHERE execution_id = %s AND state = 'FAILED' ORDER BY seq DESC LIMIT 1",
            [to_uuid(execution_id)],
        )
        found = cursor.fetchone()
    return None if found is None else str(found[0])


def _row(columns: Sequence[Any]) -> TaskRunRow:
    run_id, task_id, parent_id, state, histories, attempts, outputs, value, iteration = columns
    return TaskRunRow(
        id=from_uuid(run_id),
        task_id=task_id,
        parent_id=None if parent_id is None else from_uuid(parent_id),
        state=state,
        histories=json.loads(histories),
        attempts=None if attempts is None else json.loads(attempts),
        outputs=None if outputs is None else json.loads(outputs),
        value=value,
        iteration=iteration,
    )
