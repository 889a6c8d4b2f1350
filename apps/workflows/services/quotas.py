"""What a tenant may have at most (tenants.catalog.QUOTAS), checked wherever one more would be created.

A person or client is refused with 429. What triggers, subflows and retries would start is not started either, and that
is said where people look: in the evaluations and log of the trigger, in the task run, in the log of the execution.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection

from apps.common.current_tenant import require_tenant
from apps.common.errors import TooManyRequests
from apps.tenants.selectors import get_open_tenant
from apps.workflows.models.flow import Flow
from apps.workflows.selectors.activity import OPEN_STATES

_TODAY: Final = "SELECT count(*) FROM (SELECT FROM execution WHERE start_date >= %s LIMIT %s) counted"
_OPEN: Final = "SELECT count(*) FROM (SELECT FROM execution WHERE state = ANY(%s) LIMIT %s) counted"


@dataclass(frozen=True, slots=True)
class Room:
    """How many executions may still be created (None: any number), and what is said to the one that is too many."""

    left: int | None = None
    refusal: str = ""


def execution_room(now: datetime) -> Room:
    """Of the open tenant. No query without a limit; with one a count over an index, up to the limit.

    Two that start at the same moment may both pass: a limit is for guarding the installation, not for billing.
    """
    quotas = get_open_tenant(require_tenant()).quotas
    rooms: list[tuple[int, str]] = []
    if most := quotas.get("executionsPerDay"):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        refusal = _refusal(f"{most} executions a day", "wait until 00:00 UTC")
        rooms.append((max(most - _count(_TODAY, midnight, most), 0), refusal))
    if most := quotas.get("concurrentExecutions"):
        refusal = _refusal(f"{most} executions at the same time", "wait until some have ended")
        rooms.append((max(most - _count(_OPEN, OPEN_STATES, most), 0), refusal))
    return Room(*min(rooms)) if rooms else Room()


def check_execution_quota(now: datetime) -> None:
    """For one that a person or client creates. Raises TooManyRequests at a limit."""
    if refusal := refusal_of_execution(now):
        raise TooManyRequests(refusal)


def refusal_of_execution(now: datetime) -> str:
    """For one that the product starts by itself: why it may not; empty when it may."""
    room = execution_room(now)
    return room.refusal if room.left == 0 else ""


def check_flow_quota() -> None:
    """Raises TooManyRequests when a flow more would be too many. No query without a limit."""
    most = get_open_tenant(require_tenant()).quotas.get("flows")
    if most and Flow.objects.filter(deleted=False).count() >= most:
        raise TooManyRequests(_refusal(f"{most} flows", "delete one"))


def _count(sql: str, value: datetime | list[str], most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [value, most])
        return int(cursor.fetchone()[0])


def _refusal(limit: str, remedy: str) -> str:
    return f"This tenant may have {limit}: {remedy}, or ask a super admin to raise the quota."
