"""Reads of flows: one, its revisions, pages of a search, and names as numbers for other searches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.search_filters.text import split_words
from apps.workflows.selectors.conditions import Conditions, escape_like

SYSTEM_NAMESPACE: Final = "system"
"""Flows in this namespace are of scope SYSTEM, all others of scope USER."""
MAX_FLOWS: Final = 1000
"""Most flows in an answer that has no pages."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """A flow at one revision, with its source."""

    flow_ref: int
    namespace: str
    flow_id: str
    revision: int
    source: str
    disabled: bool
    deleted: bool
    created: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class SourceHit:
    """A flow whose source holds what was looked for."""

    flow: FlowRow
    fragments: Sequence[str]


SORTABLE: Final = {
    "id": "f.flow_id",
    "namespace": "f.namespace",
    "revision": "f.revision",
    "disabled": "f.disabled",
    "updated": "f.updated",
    "updatedDate": "f.updated",
    "created": "f.created",
}
_COLUMNS: Final = "f.uid, f.namespace, f.flow_id, f.revision, f.source, f.disabled, f.deleted, f.created, f.updated"
_AT_REVISION: Final = (
    "f.uid, f.namespace, f.flow_id, r.revision, r.source, f.disabled, f.deleted OR r.deleted, f.created, r.created"
)


def find_flow(
    namespace: str, flow_id: str, *, revision: int | None = None, allow_deleted: bool = False
) -> FlowRow | None:
    """A flow at its newest revision unless one is named; a deleted one only when that is allowed. One query."""
    at = "r.revision = f.revision" if revision is None else "r.revision = %s"
    sql = (
        f"SELECT {_AT_REVISION} FROM flow f JOIN flow_revision r ON r.flow_id = f.uid"  # noqa: S608
        f" WHERE f.namespace = %s AND f.flow_id = %s AND {at}"
    )
    rows = _rows(sql, [namespace, flow_id, *([] if revision is None else [revision])])
    if not rows or (rows[0].deleted and not allow_deleted):
        return None
    return rows[0]


def list_revisions(namespace: str, flow_id: str) -> list[FlowRow]:
    """The newest MAX_FLOWS revisions of a flow, oldest first; also of a deleted one. One query."""
    rows = _rows(
        f"SELECT {_AT_REVISION.replace('f.deleted OR r.deleted', 'r.deleted')} FROM flow f"  # noqa: S608
        " JOIN flow_revision r ON r.flow_id = f.uid WHERE f.namespace = %s AND f.flow_id = %s"
        " ORDER BY r.revision DESC LIMIT %s",
        [namespace, flow_id, MAX_FLOWS],
    )
    return rows[::-1]


def search_flows(conditions: Conditions, *, order: Sequence[str], offset: int, size: int) -> tuple[list[FlowRow], int]:
    """(a page, how many in all) of flows that meet conditions on ``f``. Two queries, one when all fit on the page."""
    ordered = ", ".join([*(_direction(name) for name in order), "f.namespace", "f.flow_id"])
    rows = _rows(
        f"SELECT {_COLUMNS} FROM flow f{conditions.where} ORDER BY {ordered} LIMIT %s OFFSET %s",  # noqa: S608
        [*conditions.values, size, offset],
    )
    if rows and len(rows) < size:
        return rows, offset + len(rows)
    return rows, count_flows(conditions)


def count_flows(conditions: Conditions) -> int:
    """How many flows meet conditions on ``f``."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM flow f{conditions.where}", conditions.values)  # noqa: S608
        return int(cursor.fetchone()[0])


def find_flows(pairs: Iterable[tuple[str, str]]) -> list[FlowRow]:
    """The flows of these (namespace, id) pairs that are there and not deleted. One query."""
    wanted = sorted(set(pairs))
    return _rows(
        f"SELECT {_COLUMNS} FROM flow f JOIN unnest(%s::text[], %s::text[]) AS w(ns, id)"  # noqa: S608
        " ON w.ns = f.namespace AND w.id = f.flow_id WHERE NOT f.deleted ORDER BY f.namespace, f.flow_id",
        [[namespace for namespace, _ in wanted], [flow_id for _, flow_id in wanted]],
    )


def list_flow_refs(conditions: Conditions) -> list[int]:
    """The numbers of flows that meet conditions on ``f``, deleted ones too: what executions carry (read-side.md §1)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT f.uid FROM flow f{conditions.where}", conditions.values)  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def read_flow_names(refs: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Number → (namespace, flow id). One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT uid, namespace, flow_id FROM flow WHERE uid = ANY(%s)", [sorted(set(refs))])
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def list_namespaces(conditions: Conditions) -> list[str]:
    """Namespaces of flows that meet conditions on ``f``, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT f.namespace FROM flow f{conditions.where} ORDER BY 1 LIMIT %s",  # noqa: S608
            [*conditions.values, MAX_FLOWS * 10],
        )
        return [row[0] for row in cursor.fetchall()]


def list_flow_ids(conditions: Conditions) -> list[str]:
    """Ids of flows that meet conditions on ``f``, in order; the first MAX_FLOWS."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT f.flow_id FROM flow f{conditions.where} ORDER BY 1 LIMIT %s",  # noqa: S608
            [*conditions.values, MAX_FLOWS],
        )
        return [row[0] for row in cursor.fetchall()]


def not_deleted() -> Conditions:
    """Conditions on ``f`` to begin with, for lists of what there is now."""
    return Conditions(["NOT f.deleted"])


def add_visible(conditions: Conditions, namespaces: Sequence[str] | None, *, column: str = "f.namespace") -> None:
    """Narrow to what rbac's ``visible_namespaces`` says."""
    if namespaces is None:
        return
    if not namespaces:
        conditions.add("false")
        return
    conditions.add(
        f"({column} = ANY(%s::text[]) OR {column} LIKE ANY(%s::text[]))",
        list(namespaces),
        [escape_like(namespace) + ".%" for namespace in namespaces],
    )


def add_words(conditions: Conditions, text: str, *, without: bool = False) -> None:
    """Each word somewhere in ``namespace.id``, in any order, or the initials of the id (``brt``); or in neither."""
    for word in split_words(text):
        conditions.add(
            ("NOT " if without else "") + "((f.namespace || '.' || f.flow_id) ILIKE %s OR f.initials LIKE %s)",
            f"%{escape_like(word)}%",
            escape_like(word.lower()) + "%",
        )


def add_scope(conditions: Conditions, scopes: Iterable[str]) -> None:
    """USER or SYSTEM; both together mean all."""
    wanted = {scope.upper() for scope in scopes}
    if wanted == {"SYSTEM"}:
        conditions.add("f.namespace = %s", SYSTEM_NAMESPACE)
    elif wanted == {"USER"}:
        conditions.add("f.namespace <> %s", SYSTEM_NAMESPACE)


def find_fragments(source: str, text: str, *, most: int = 10) -> list[str]:
    """Lines of a source that hold a text, the text marked as ``[mark]…[/mark]``."""
    lowered, found = text.lower(), []
    for line in source.splitlines():
        start = line.lower().find(lowered)
        if start >= 0:
            end = start + len(text)
            found.append(f"{line[:start]}[mark]{line[start:end]}[/mark]{line[end:]}".strip())
            if len(found) == most:
                break
    return found


def _direction(name: str) -> str:
    return f"{name[1:]} DESC" if name.startswith("-") else name


def _rows(sql: str, values: Sequence[Any]) -> list[FlowRow]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [FlowRow(*columns) for columns in cursor.fetchall()]
