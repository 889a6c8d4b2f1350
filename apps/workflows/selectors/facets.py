"""How many executions have each value of a field, within a time limit: what a filter bar offers."""

from __future__ import annotations

from typing import Final

from django.db import connection

from apps.workflows.selectors.execution_search import ExecutionFilter, scan_of
from apps.workflows.selectors.flows import read_flow_names
from apps.workflows.selectors.limits import TookTooLong, time_limit

MILLISECONDS: Final = 400
MOST: Final = 200


def count_states(wanted: ExecutionFilter) -> dict[str, int]:
    """By state; empty when that would take too long. One query."""
    return {str(state): count for state, count in _grouped(wanted, "state")}


def count_flow_values(wanted: ExecutionFilter) -> tuple[dict[str, int], dict[str, int]]:
    """(by namespace, by flow id), of the flows with most; empty when that would take too long. Two queries."""
    counts = {int(str(ref)): count for ref, count in _grouped(wanted, "flow_ref")}
    namespaces: dict[str, int] = {}
    flows: dict[str, int] = {}
    for ref, (namespace, flow_id) in read_flow_names(counts).items():
        namespaces[namespace] = namespaces.get(namespace, 0) + counts[ref]
        flows[flow_id] = flows.get(flow_id, 0) + counts[ref]
    return namespaces, flows


def _grouped(wanted: ExecutionFilter, column: str) -> list[tuple[object, int]]:
    if wanted.impossible:
        return []
    scan = scan_of(wanted, needs={column})
    sql = f"SELECT {scan.column(column)}, count(*) {scan.sql} GROUP BY 1 ORDER BY 2 DESC LIMIT %s"
    try:
        with time_limit(MILLISECONDS), connection.cursor() as cursor:
            cursor.execute(sql, [*scan.conditions.values, MOST])
            return [(row[0], row[1]) for row in cursor.fetchall()]
    except TookTooLong:
        return []
