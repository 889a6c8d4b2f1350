"""Log lines across executions, and those of one: with all that the API shows of a line, bounded and by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.errors import IllegalArgument
from apps.common.ids import from_uuid, to_uuid
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.limits import COUNT_MILLISECONDS, LIST_MILLISECONDS, TookTooLong, time_limit

PAGE: Final = 5000
"""Most lines of an execution in one answer."""
FLOW_EXECUTIONS: Final = 5000
"""Up to this many executions in the range, a flow's lines are read execution by execution."""
_LEVELS: Final = {level.rank: level for level in Level}
_COLUMNS: Final = (
    "l.id, f.namespace, f.flow_id, t.task_id, l.execution_id, l.task_run_id, l.trigger_id, l.attempt, l.ts, l.level,"
    " l.message"
)
_JOINS: Final = " JOIN flow f ON f.uid = l.flow_ref LEFT JOIN task_run t ON t.id = l.task_run_id"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line with all its names. ``number`` is where the next page begins."""

    number: int
    namespace: str
    flow_id: str
    task_id: str | None
    execution_id: str | None
    task_run_id: str | None
    trigger_id: str | None
    attempt: int | None
    timestamp: datetime
    level: Level
    message: str


@dataclass(slots=True)
class LogFilter:
    """What a search asks for. ``flow_refs`` None means all flows; ``rows`` holds conditions on ``l``."""

    flow_refs: Sequence[int] | None = None
    min_level: Level | None = None
    start: datetime | None = None
    end: datetime | None = None
    trigger_id: str | None = None
    execution_id: str | None = None
    task_id: str | None = None
    rows: Conditions = field(default_factory=Conditions)


def list_execution_logs(
    execution_id: str,
    *,
    min_level: Level | None = None,
    task_run_id: str | None = None,
    task_id: str | None = None,
    attempt: int | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> list[LogLine]:
    """Lines of an execution that were stored after a number, in that order. One query."""
    conditions = Conditions(["l.execution_id = %s", "l.id > %s"], [to_uuid(execution_id), after])
    _add_line_filters(conditions, min_level, task_run_id, task_id, attempt)
    return _read(
        f"SELECT {_COLUMNS} FROM log l{_JOINS}{conditions.where} ORDER BY l.id LIMIT %s",  # noqa: S608
        [*conditions.values, limit],
    )


def search_logs(
    wanted: LogFilter, *, size: int, offset: int, oldest_first: bool = False
) -> tuple[list[LogLine], int, bool]:
    """(a page, total, whether the total is exact), newest first by arrival. Two queries, three for a flow.

    IllegalArgument when the search would read too much.
    """
    if wanted.flow_refs is not None and not wanted.flow_refs:
        return [], 0, True
    conditions = _conditions(wanted)
    direction = "" if oldest_first else " DESC"
    inner = f"SELECT l.* FROM log l{_task_join(wanted)}{conditions.where} ORDER BY l.id{direction} LIMIT %s OFFSET %s"  # noqa: S608
    try:
        with time_limit(LIST_MILLISECONDS):
            lines = _read(
                f"WITH l AS MATERIALIZED ({inner}) SELECT {_COLUMNS} FROM l{_JOINS} ORDER BY l.id{direction}",  # noqa: S608
                [*conditions.values, size, offset],
            )
    except TookTooLong as error:
        raise IllegalArgument(
            "This search reads too much; narrow it by startDate and endDate, namespace or flowId."
        ) from error
    if lines and len(lines) < size:
        return lines, offset + len(lines), True
    total, exact = _count(conditions, wanted)
    return lines, total if exact else max(total, offset + len(lines) + (len(lines) == size)), exact


def page_of_logs(
    wanted: LogFilter, *, size: int, older_than: int | None = None, newer_than: int | None = None
) -> tuple[list[LogLine], bool]:
    """(lines newest first by arrival, whether there are more that way), by keyset: no total, no offset.

    ``newer_than``: the lines next after a number. Two queries, three for a flow. IllegalArgument as above.
    """
    if wanted.flow_refs is not None and not wanted.flow_refs:
        return [], False
    conditions = _conditions(wanted)
    if older_than is not None:
        conditions.add("l.id < %s", older_than)
    if newer_than is not None:
        conditions.add("l.id > %s", newer_than)
    direction = " DESC" if newer_than is None else ""
    inner = f"SELECT l.* FROM log l{_task_join(wanted)}{conditions.where} ORDER BY l.id{direction} LIMIT %s"  # noqa: S608
    try:
        with time_limit(LIST_MILLISECONDS):
            lines = _read(
                f"WITH l AS MATERIALIZED ({inner}) SELECT {_COLUMNS} FROM l{_JOINS} ORDER BY l.id{direction}",  # noqa: S608
                [*conditions.values, size + 1],
            )
    except TookTooLong as error:
        raise IllegalArgument(
            "This search reads too much; narrow it by a shorter time, a namespace or a flow."
        ) from error
    more, lines = len(lines) > size, lines[:size]
    return lines[::-1] if newer_than is not None else lines, more


def delete_logs(conditions: Conditions) -> int:
    """Delete lines that meet conditions on ``l``; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM log WHERE id IN (SELECT l.id FROM log l"  # noqa: S608
            f" LEFT JOIN task_run t ON t.id = l.task_run_id{conditions.where})",
            conditions.values,
        )
        return int(cursor.rowcount)


def execution_conditions(
    execution_id: str,
    *,
    min_level: Level | None = None,
    task_run_id: str | None = None,
    task_id: str | None = None,
    attempt: int | None = None,
) -> Conditions:
    """Conditions on ``l`` for the lines of an execution."""
    conditions = Conditions(["l.execution_id = %s"], [to_uuid(execution_id)])
    _add_line_filters(conditions, min_level, task_run_id, task_id, attempt)
    return conditions


def _add_line_filters(
    conditions: Conditions,
    min_level: Level | None,
    task_run_id: str | None,
    task_id: str | None,
    attempt: int | None,
) -> None:
    if min_level is not None:
        conditions.add("l.level >= %s", min_level.rank)
    if task_run_id is not None:
        conditions.add("l.task_run_id = %s", to_uuid(task_run_id))
    if task_id is not None:
        conditions.add("t.task_id = %s", task_id)
    if attempt is not None:
        conditions.add("l.attempt = %s", attempt)


def _conditions(wanted: LogFilter) -> Conditions:
    conditions = Conditions([*wanted.rows.parts], [*wanted.rows.values])
    if wanted.min_level is not None and wanted.min_level is not Level.TRACE:
        conditions.add("l.level >= %s", wanted.min_level.rank)
    if wanted.start is not None:
        conditions.add("l.ts >= %s", wanted.start)
    if wanted.end is not None:
        conditions.add("l.ts <= %s", wanted.end)
    if wanted.trigger_id is not None:
        conditions.add("l.trigger_id = %s", wanted.trigger_id)
    if wanted.execution_id is not None:
        conditions.add("l.execution_id = %s", to_uuid(wanted.execution_id))
    if wanted.task_id is not None:
        conditions.add("t.task_id = %s", wanted.task_id)
    if wanted.flow_refs is not None:
        _narrow_to_flows(conditions, wanted)
    return conditions


def _narrow_to_flows(conditions: Conditions, wanted: LogFilter) -> None:
    refs = list(wanted.flow_refs or ())
    conditions.add("l.flow_ref = ANY(%s::int[])", refs)
    if wanted.execution_id is not None or wanted.trigger_id is not None:
        return
    found = Conditions(["e.flow_ref = ANY(%s::int[])"], [refs])
    if wanted.end is not None:
        found.add("e.start_date <= %s", wanted.end)
    if wanted.start is not None:
        # An execution of before the range may write lines within it as long as it has not ended before.
        found.add("(e.end_date IS NULL OR e.end_date >= %s - interval '1 minute')", wanted.start)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT e.id FROM execution e{found.where} LIMIT %s", [*found.values, FLOW_EXECUTIONS + 1])  # noqa: S608
        ids = [row[0] for row in cursor.fetchall()]
    if len(ids) <= FLOW_EXECUTIONS:
        # Lines of triggers belong to no execution and are few.
        conditions.add("(l.execution_id = ANY(%s::uuid[]) OR l.execution_id IS NULL)", ids)


def _task_join(wanted: LogFilter) -> str:
    return "" if wanted.task_id is None else " LEFT JOIN task_run t ON t.id = l.task_run_id"


def _count(conditions: Conditions, wanted: LogFilter) -> tuple[int, bool]:
    tables = f"log l{_task_join(wanted)}"
    try:
        with time_limit(COUNT_MILLISECONDS), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {tables}{conditions.where}", conditions.values)  # noqa: S608
            return int(cursor.fetchone()[0]), True
    except TookTooLong:
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {tables}{conditions.where}",  # noqa: S608
                conditions.values,
            )
            return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"]), False


def _read(sql: str, values: Sequence[Any]) -> list[LogLine]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [_line(row) for row in cursor.fetchall()]


def _line(row: Sequence[Any]) -> LogLine:
    number, namespace, flow_id, task_id, execution_id, run_id, trigger_id, attempt, moment, level, message = row
    return LogLine(
        number,
        namespace,
        flow_id,
        task_id,
        None if execution_id is None else from_uuid(execution_id),
        None if run_id is None else from_uuid(run_id),
        trigger_id,
        attempt,
        moment,
        _LEVELS[level],
        message,
    )
