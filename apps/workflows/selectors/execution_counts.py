"""Executions counted by flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from apps.workflows.selectors.conditions import Conditions


def count_by_flow(
    *,
    namespace: str,
    flow_id: str | None = None,
    states: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[tuple[str, str, int]]:
    """(namespace, flow id, count) of the flows of a namespace (or of one flow) that have any. One query."""
    named = Conditions(["f.namespace = %s"], [namespace])
    if flow_id is not None:
        named.add("f.flow_id = %s", flow_id)
    if states:
        named.add("e.state = ANY(%s::text[])", [str(state) for state in states])
    if start is not None:
        named.add("e.start_date >= %s", start)
    if end is not None:
        named.add("e.start_date <= %s", end)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT f.namespace, f.flow_id, count(*) FROM flow f JOIN execution e ON e.flow_ref = f.uid"  # noqa: S608
            f"{named.where} GROUP BY f.namespace, f.flow_id ORDER BY f.namespace, f.flow_id",
            named.values,
        )
        return [(row[0], row[1], row[2]) for row in cursor.fetchall()]
