"""The source of a flow at a revision: what definitions are parsed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True, slots=True)
class FlowSource:
    """A flow's row number and one revision of its source."""

    flow_ref: int
    namespace: str
    flow_id: str
    revision: int
    source: str
    disabled: bool
    deleted: bool


_SELECT = """
SELECT f.uid, f.namespace, f.flow_id, r.revision, r.source, f.disabled, f.deleted OR r.deleted
FROM flow f JOIN flow_revision r ON r.flow_id = f.uid
"""


def find_source(namespace: str, flow_id: str, revision: int | None = None) -> FlowSource | None:
    """The source of a flow, at its newest revision unless one is named. Deleted flows are found too."""
    where, values = ("r.revision = f.revision", []) if revision is None else ("r.revision = %s", [revision])
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_SELECT} WHERE f.namespace = %s AND f.flow_id = %s AND {where}", [namespace, flow_id, *values]
        )
        row = cursor.fetchone()
    return None if row is None else FlowSource(*row)


def newest_sources(flow_refs: Sequence[int]) -> dict[int, FlowSource]:
    """The sources of flows at their newest revisions, by number. Deleted flows are found too. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} WHERE f.uid = ANY(%s) AND r.revision = f.revision", [list(flow_refs)])
        return {row[0]: FlowSource(*row) for row in cursor.fetchall()}


def read_source(flow_ref: int, revision: int) -> FlowSource | None:
    """The source that an execution names. None when the revision is gone."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} WHERE f.uid = %s AND r.revision = %s", [flow_ref, revision])
        row = cursor.fetchone()
    return None if row is None else FlowSource(*row)
