"""Reads of live events: those a transaction horizon has passed, so that a late commit is never skipped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

PAGE: Final = 1000
"""Most events read at once."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far somebody has read: everything up to this transaction and, within it, this number."""

    xid: int
    number: int = 0

    def __str__(self) -> str:
        return f"{self.xid}-{self.number}"


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event as it was written."""

    position: Position
    tenant: str
    topic: str
    namespace: str
    kind: str
    data: dict[str, Any]


def parse_position(text: str | None) -> Position | None:
    """The position that an event's id says; None for anything else (other streams use words as ids)."""
    left, dash, right = (text or "").partition("-")
    if not dash or not left.isdecimal() or not right.isdecimal():
        return None
    if int(left) >= 2**63 or int(right) >= 2**63:
        return None
    return Position(int(left), int(right))


def read_horizon() -> Position:
    """The position before which every transaction has ended: what is written later lies after it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        return Position(int(cursor.fetchone()[0]))


def read_events(tenants: Sequence[str], after: Position) -> tuple[list[EventRow], Position]:
    """Events of these tenants after a position, oldest first, and how far the reader has now come.

    One query. When there are more than PAGE, the position is that of the last one: read again from there.
    """
    with connection.cursor() as cursor:
        cursor.execute(_READ, [list(tenants), str(after.xid), after.number, PAGE])
        rows = cursor.fetchall()
    horizon = Position(int(rows[0][0]))
    events = [
        EventRow(Position(int(xid), number), tenant, topic, namespace, kind, json.loads(data))
        for _, xid, number, tenant, topic, namespace, kind, data in rows
        if xid is not None
    ]
    if len(events) == PAGE:
        return events, events[-1].position
    return events, max(horizon, after)


def tenants_with_events() -> list[str]:
    """Tenants of which there are events, one look at the index each."""
    with connection.cursor() as cursor:
        cursor.execute(_TENANTS)
        return [row[0] for row in cursor.fetchall() if row[0]]


_TENANTS = """
WITH RECURSIVE t AS (
  SELECT min(tenant) AS tenant FROM public.live_event
  UNION ALL SELECT (SELECT min(l.tenant) FROM public.live_event l WHERE l.tenant > t.tenant) FROM t
  WHERE t.tenant IS NOT NULL)
SELECT tenant FROM t WHERE tenant IS NOT NULL
"""
_READ = """
WITH horizon AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin)
SELECT h.xmin::text::bigint, e.xid::text::bigint, e.id, e.tenant, e.topic, e.namespace, e.kind, e.data
FROM horizon h LEFT JOIN LATERAL (
  SELECT * FROM public.live_event l
  WHERE l.tenant = ANY(%s) AND (l.xid, l.id) > (%s::text::xid8, %s) AND l.xid < h.xmin
  ORDER BY l.xid, l.id LIMIT %s
) e ON true ORDER BY e.xid, e.id
"""
