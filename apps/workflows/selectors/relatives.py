"""What an execution has to do with others: who started it, what it was made from, what it started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.ids import from_uuid, is_id, to_uuid
from apps.workflows.selectors.executions import ExecutionHead, ExecutionRow, find_heads
from apps.workflows.selectors.limits import LIST_MILLISECONDS, time_limit

CORRELATION: Final = "system.correlationId"
MOST_CHILDREN: Final = 20
"""Executions that are listed below the one that started them."""
MOST_LOOKED_AT: Final = 2_000
"""Executions of one correlation, the oldest, among which those are looked for that one of them started."""
MOST_FAMILY: Final = 300
"""Executions of one correlation that are shown together."""
_MEMBER: Final = "id, namespace, flow_id, state, start_date, end_date, trigger #>> '{variables,executionId}' AS cause"
_HEAD: Final = "e.id, e.namespace, e.flow_id, e.flow_ref, e.state"


@dataclass(frozen=True, slots=True)
class Relatives:
    """Executions around one. `children` holds the first MOST_CHILDREN; `more` tells that there are others."""

    parent: ExecutionHead | None
    origin: ExecutionHead | None
    children: Sequence[ExecutionHead]
    more: bool

    @property
    def any(self) -> bool:
        return self.parent is not None or self.origin is not None or bool(self.children)


def find_relatives(row: ExecutionRow) -> Relatives:
    """At most two queries. The parent started it, by a task or a trigger; it repeats (replay, restart) its origin."""
    starter = str(((row.trigger or {}).get("variables") or {}).get("executionId") or "")
    named = [name for name in (starter, row.parent_id or "") if is_id(name)]
    heads = find_heads(named) if named else {}
    children = _children(row)
    return Relatives(
        parent=heads.get(starter),
        origin=heads.get(row.parent_id or ""),
        children=children[:MOST_CHILDREN],
        more=len(children) > MOST_CHILDREN,
    )


def find_started(row: ExecutionRow, run_ids: Sequence[str]) -> dict[str, list[ExecutionHead]]:
    """The executions that task runs of one started, by task run, oldest first; two of each are enough to tell more."""
    if not run_ids:
        return {}
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            f"WITH started AS (SELECT {_HEAD}, e.parent_run_id, e.start_date FROM execution e"  # noqa: S608
            " WHERE e.correlation = %s AND e.start_date >= %s AND e.parent_run_id IS NOT NULL"
            " ORDER BY e.start_date LIMIT %s)"
            " SELECT id, namespace, flow_id, flow_ref, state, parent_run_id FROM (SELECT s.*,"
            " row_number() OVER (PARTITION BY parent_run_id ORDER BY start_date, id) AS place FROM started s"
            " WHERE parent_run_id = ANY(%s)) n WHERE place <= 2 ORDER BY place",
            [correlation_of(row), row.start_date, MOST_LOOKED_AT, [to_uuid(run_id) for run_id in run_ids]],
        )
        rows = cursor.fetchall()
    found: dict[str, list[ExecutionHead]] = {}
    for columns in rows:
        found.setdefault(from_uuid(columns[5]), []).append(_head(columns))
    return found


def correlation_of(row: ExecutionRow) -> str:
    """What it shares with all that came of the same cause."""
    return next((label["value"] for label in row.labels if label["key"] == CORRELATION), row.id)


def _children(row: ExecutionRow) -> list[ExecutionHead]:
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            "WITH e AS (SELECT id, namespace, flow_id, flow_ref, state, trigger, start_date FROM execution"  # noqa: S608
            " WHERE correlation = %s AND start_date >= %s ORDER BY start_date LIMIT %s)"
            f" SELECT {_HEAD} FROM e WHERE e.trigger #>> '{{variables,executionId}}' = %s"
            " ORDER BY e.start_date, e.id LIMIT %s",
            [correlation_of(row), row.start_date, MOST_LOOKED_AT, row.id, MOST_CHILDREN + 1],
        )
        return [_head(columns) for columns in cursor.fetchall()]


def _head(columns: Sequence[Any]) -> ExecutionHead:
    return ExecutionHead(from_uuid(columns[0]), *columns[1:5])


@dataclass(frozen=True, slots=True)
class FamilyMember:
    """An execution of a correlation. ``cause`` is the id of the execution that started it, empty when none did."""

    id: str
    namespace: str
    flow_id: str
    state: str
    started: datetime
    ended: datetime | None
    cause: str


def read_family(row: ExecutionRow) -> tuple[list[FamilyMember], bool]:
    """The executions of the same correlation, the first one too, oldest first; True when there are more than
    MOST_FAMILY. One query."""
    first = correlation_of(row)
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_MEMBER} FROM execution WHERE id = ANY(%s) UNION (SELECT {_MEMBER} FROM execution"  # noqa: S608
            " WHERE correlation = %s ORDER BY start_date LIMIT %s) ORDER BY start_date, id",
            [[to_uuid(one) for one in {row.id, first} if is_id(one)], first, MOST_FAMILY + 1],
        )
        found = [
            FamilyMember(from_uuid(row_id), namespace, of_flow, state, started, ended, cause or "")
            for row_id, namespace, of_flow, state, started, ended, cause in cursor.fetchall()
        ]
    return found[:MOST_FAMILY], len(found) > MOST_FAMILY
