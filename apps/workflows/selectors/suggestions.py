"""A few flows, executions, triggers and namespaces for a search as it is typed: one bounded query each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from apps.common.ids import LENGTH, from_uuid, is_id, to_uuid
from apps.workflows.selectors.conditions import Conditions, escape_like
from apps.workflows.selectors.executions import ExecutionHead
from apps.workflows.selectors.flows import add_visible, add_words, not_deleted

LEAST_OF_ID: Final = 6
"""Characters from which a word is taken for the beginning of an execution's id."""
_HIGHEST: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


@dataclass(frozen=True, slots=True)
class Named:
    """A flow, or with ``trigger_id`` one of its triggers."""

    namespace: str
    flow_id: str
    trigger_id: str = ""
    disabled: bool = False


def suggest_flows(text: str, visible: Sequence[str] | None, *, most: int) -> list[Named]:
    """Those last changed first among those with all words in namespace.id, or the initials."""
    conditions = not_deleted()
    add_visible(conditions, visible)
    add_words(conditions, text)
    sql = f"SELECT f.namespace, f.flow_id, f.disabled FROM flow f{conditions.where} ORDER BY f.updated DESC LIMIT %s"  # noqa: S608
    return [Named(namespace, flow_id, disabled=off) for namespace, flow_id, off in _rows(sql, conditions, most)]


def suggest_triggers(text: str, visible: Sequence[str] | None, *, most: int) -> list[Named]:
    """By name, among those with all words in namespace.flow.id."""
    conditions = Conditions()
    add_visible(conditions, visible, column="t.namespace")
    for word in text.split():
        conditions.add("(t.namespace || '.' || t.flow_id || '.' || t.trigger_id) ILIKE %s", f"%{escape_like(word)}%")
    sql = (
        f"SELECT t.namespace, t.flow_id, t.trigger_id, t.disabled FROM trigger_state t{conditions.where}"  # noqa: S608
        " ORDER BY t.trigger_id, t.id LIMIT %s"
    )
    return [Named(*row) for row in _rows(sql, conditions, most)]


def suggest_executions(beginning: str, visible: Sequence[str] | None, *, most: int) -> list[ExecutionHead]:
    """Those whose id begins so, newest first; none for less than LEAST_OF_ID characters. A range of the key."""
    low, high = beginning.ljust(LENGTH, "0"), beginning.ljust(LENGTH, "z")
    if len(beginning) < LEAST_OF_ID or not is_id(low):
        return []
    conditions = Conditions()
    conditions.add("e.id BETWEEN %s AND %s", to_uuid(low), to_uuid(high) if is_id(high) else _HIGHEST)
    add_visible(conditions, visible, column="e.namespace")
    sql = (
        f"SELECT e.id, e.namespace, e.flow_id, e.flow_ref, e.state FROM execution e{conditions.where}"  # noqa: S608
        " ORDER BY e.id DESC LIMIT %s"
    )
    return [ExecutionHead(from_uuid(key), *rest) for key, *rest in _rows(sql, conditions, most)]


def suggest_namespaces(text: str, visible: Sequence[str] | None, *, most: int) -> list[str]:
    """Created ones and those that flows use, by name."""
    conditions = Conditions()
    add_visible(conditions, visible, column="n.id")
    for word in text.split():
        conditions.add("n.id ILIKE %s", f"%{escape_like(word)}%")
    sql = (
        "SELECT n.id FROM (SELECT id FROM namespaces_namespace UNION SELECT namespace FROM flow WHERE NOT deleted) n"  # noqa: S608
        f"{conditions.where} ORDER BY n.id LIMIT %s"
    )
    return [row[0] for row in _rows(sql, conditions, most)]


def _rows(sql: str, conditions: Conditions, most: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [*conditions.values, most])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
