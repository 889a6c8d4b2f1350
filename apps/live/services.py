"""Writing live events, and the hourly partitions they lie in."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

KEEP = timedelta(hours=2)
"""How long an event can be caught up with."""
HOUR = timedelta(hours=1)


def record_event(tenant: str, topic: str, namespace: str, kind: str, data: dict[str, Any], now: datetime) -> None:
    """Append an event in the caller's transaction: it shows when that commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO public.live_event (tenant, topic, namespace, kind, data, at)"
            " VALUES (%s, %s, %s, %s, %s::jsonb, %s)",
            [tenant, topic, namespace, kind, json.dumps(data), now],
        )


def roll_partitions(now: datetime) -> None:
    """Make the partitions of this hour and the next, drop those that are older than KEEP.

    An hour whose events already went to the catch-all partition gets none of its own: they are deleted from there
    when they are old.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'public.live_event'::regclass"
        )
        present = {row[0] for row in cursor.fetchall()}
        for start in (hour, hour + HOUR):
            name = partition_name(start)
            if name in present:
                continue
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM public.live_event_rest WHERE at >= %s AND at < %s)", [start, start + HOUR]
            )
            if not cursor.fetchone()[0]:
                cursor.execute(
                    f"CREATE TABLE public.{name} PARTITION OF public.live_event"
                    f" FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + HOUR).isoformat()}')"
                )
        oldest = partition_name(hour - KEEP - HOUR)
        for name in sorted(present):
            if name.startswith("live_event_h") and name <= oldest:
                cursor.execute(f"DROP TABLE public.{name}")
        cursor.execute("DELETE FROM public.live_event_rest WHERE at < %s", [now - KEEP])


def partition_name(hour: datetime) -> str:
    """Name of an hour's partition; names sort by time."""
    return f"live_event_h{hour:%Y%m%d%H}"
