"""Logs of executions, paged by id; task names are joined for the lines shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.conditions import escape_like

_LEVELS = {level.rank: level for level in Level}
_SELECT = (
    "SELECT l.id, l.execution_id, l.task_run_id, t.task_id, l.attempt, l.level, l.ts, l.message"
    " FROM log l LEFT JOIN task_run t ON t.id = l.task_run_id"
)
PAGE = 500
"""Most lines read at once."""


@dataclass(frozen=True, slots=True)
class LogView:
    """A line as the API shows it. ``number`` orders lines and is where the next page starts."""

    number: int
    execution_id: str
    task_run_id: str | None
    task_id: str | None
    attempt: int | None
    level: Level
    timestamp: datetime
    message: str


def list_logs(
    execution_id: str,
    *,
    min_level: Level | None = None,
    task_run_id: str | None = None,
    task_id: str | None = None,
    attempt: int | None = None,
    text: str | None = None,
    after: int = 0,
    before: int | None = None,
    limit: int = PAGE,
) -> list[LogView]:
    """Lines of an execution in the order they were written. One query.

    The first ones after a number; with ``before`` the last ones below that. ``text`` is looked for in any case.
    """
    where = ["l.execution_id = %s", "l.id > %s"]
    values: list[Any] = [to_uuid(execution_id), after]
    for condition, value in _filters(min_level, task_run_id, task_id, attempt, text):
        where.append(condition)
        values.append(value)
    if before is not None:
        where.append("l.id < %s")
        values.append(before)
    order = "l.id" if before is None else "l.id DESC"
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT %s", [*values, limit])
        found = [_view(row) for row in cursor.fetchall()]
    return found if before is None else found[::-1]


def list_fresh_logs(
    execution_id: str, *, after: int, since: datetime, known: Sequence[int] = (), limit: int = PAGE
) -> list[LogView]:
    """Lines after a number, written since a moment, without those that are known: a line gets its number before its
    transaction commits, so that a lower one may show later. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE l.execution_id = %s AND l.id > %s AND l.ts >= %s AND l.id <> ALL(%s)"
            " ORDER BY l.id LIMIT %s",
            [to_uuid(execution_id), after, since, list(known), limit],
        )
        return [_view(row) for row in cursor.fetchall()]


def list_error_logs(execution_id: str, limit: int = PAGE) -> list[LogView]:
    """The ERROR lines of an execution: what ``errorLogs()`` gives."""
    return list_logs(execution_id, min_level=Level.ERROR, limit=limit)


def count_logs(
    execution_id: str, *, task_run_id: str | None = None, task_id: str | None = None, text: str | None = None
) -> dict[Level, int]:
    """Lines by level."""
    where: list[str] = ["l.execution_id = %s"]
    values: list[Any] = [to_uuid(execution_id)]
    for condition, value in _filters(None, task_run_id, task_id, None, text):
        where.append(condition)
        values.append(value)
    joined = "" if task_id is None else "LEFT JOIN task_run t ON t.id = l.task_run_id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT l.level, count(*) FROM log l {joined} WHERE {' AND '.join(where)} GROUP BY l.level",  # noqa: S608
            values,
        )
        return {_LEVELS[row[0]]: row[1] for row in cursor.fetchall()}


def _filters(
    min_level: Level | None,
    task_run_id: str | None,
    task_id: str | None,
    attempt: int | None,
    text: str | None = None,
) -> Sequence[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if min_level is not None:
        found.append(("l.level >= %s", min_level.rank))
    if task_run_id is not None:
        found.append(("l.task_run_id = %s", to_uuid(task_run_id)))
    if task_id is not None:
        found.append(("t.task_id = %s", task_id))
    if attempt is not None:
        found.append(("l.attempt = %s", attempt))
    if text:
        found.append(("l.message ILIKE %s", f"%{escape_like(text)}%"))
    return found


def _view(row: Sequence[Any]) -> LogView:
    number, execution_id, run_id, task_id, attempt, level, timestamp, message = row
    return LogView(
        number=number,
        execution_id=from_uuid(execution_id),
        task_run_id=None if run_id is None else from_uuid(run_id),
        task_id=task_id,
        attempt=attempt,
        level=_LEVELS[level],
        timestamp=timestamp,
        message=message,
    )
