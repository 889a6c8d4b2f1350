"""Executions as the API shows them: one by id, and what is asked of several at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid, is_id, to_uuid

COLUMNS: Final = (
    "id, namespace, flow_id, flow_revision, flow_ref, state, histories, inputs, outputs, labels, variables, trigger,"
    " parent_id, original_id, schedule_date, attempt_number, original_created, start_date"
)
_IDS: Final = tuple(
    place for place, name in enumerate(COLUMNS.split(", ")) if name.strip() in {"id", "parent_id", "original_id"}
)
_JSON: Final = tuple(
    place
    for place, name in enumerate(COLUMNS.split(", "))
    if name.strip() in {"histories", "inputs", "outputs", "labels", "variables", "trigger"}
)
OPEN_STATES: Final = ("CREATED", "RUNNING", "PAUSED", "RESTARTED", "KILLING", "QUEUED", "RETRYING")
"""States of an execution that has not ended; all are in the index of rare states."""


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One execution, its JSON columns as they are stored."""

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    flow_ref: int
    state: str
    histories: list[dict[str, str]]
    inputs: dict[str, Any] | None
    outputs: dict[str, Any] | None
    labels: list[dict[str, str]]
    variables: dict[str, Any] | None
    trigger: dict[str, Any] | None
    parent_id: str | None
    original_id: str | None
    schedule_date: datetime | None
    attempt_number: int
    original_created: datetime | None
    start_date: datetime


@dataclass(frozen=True, slots=True)
class ExecutionHead:
    """The little that permissions and bulk actions need to know."""

    id: str
    namespace: str
    flow_id: str
    flow_ref: int
    state: str


def find_execution(execution_id: str) -> ExecutionRow | None:
    """One query. None for what is no id, too."""
    if not is_id(execution_id):
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM execution WHERE id = %s", [to_uuid(execution_id)])  # noqa: S608
        columns = cursor.fetchone()
    return None if columns is None else read_row(columns)


def find_head(execution_id: str) -> ExecutionHead | None:
    """One query by primary key. None for what is no id, too."""
    return next(iter(find_heads([execution_id]).values()), None)


def find_heads(execution_ids: Iterable[str]) -> dict[str, ExecutionHead]:
    """Those that are there, by id. One query."""
    ids = [to_uuid(execution_id) for execution_id in set(execution_ids) if is_id(execution_id)]
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, namespace, flow_id, flow_ref, state FROM execution WHERE id = ANY(%s)", [sorted(ids)]
        )
        heads = [ExecutionHead(from_uuid(row[0]), *row[1:]) for row in cursor.fetchall()]
    return {head.id: head for head in heads}


def list_forebears(execution_id: str) -> list[str]:
    """The executions it was made from by replays, restarts and retries: nearest first, at most 100. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE f(id, parent_id, depth) AS (SELECT id, parent_id, 0 FROM execution WHERE id = %s UNION ALL"
            " SELECT e.id, e.parent_id, f.depth + 1 FROM execution e JOIN f ON e.id = f.parent_id WHERE f.depth < 100)"
            " SELECT id FROM f WHERE depth > 0 ORDER BY depth",
            [to_uuid(execution_id)],
        )
        return [from_uuid(row[0]) for row in cursor.fetchall()]


def find_open_children(parent_ids: Sequence[str]) -> list[ExecutionHead]:
    """Executions that have not ended and were started by one of these: by a subflow task or by a Flow trigger.

    One query over the index of open states; the parents' own start bounds it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, namespace, flow_id, flow_ref, state FROM execution WHERE state = ANY(%s)"
            " AND trigger #>> '{variables,executionId}' = ANY(%s)"
            " AND start_date >= (SELECT min(start_date) FROM execution WHERE id = ANY(%s)) ORDER BY id",
            [list(OPEN_STATES), list(parent_ids), [to_uuid(parent_id) for parent_id in parent_ids]],
        )
        return [ExecutionHead(from_uuid(row[0]), *row[1:]) for row in cursor.fetchall()]


def read_row(columns: Sequence[Any]) -> ExecutionRow:
    """The row of COLUMNS."""
    values = list(columns)
    for place in _IDS:
        values[place] = None if values[place] is None else from_uuid(values[place])
    for place in _JSON:
        values[place] = None if values[place] is None else json.loads(values[place])
    return ExecutionRow(*values)
