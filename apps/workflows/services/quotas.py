"""What a tenant may have at most (tenants.catalog.QUOTAS), checked where a person or client creates it.

Executions that triggers, subflows and retries start count, but are not refused: their schedule would be lost.
"""

from __future__ import annotations

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


def check_execution_quota(now: datetime) -> None:
    """Raises TooManyRequests at a limit. No query without one; with one a count over an index, up to the limit.

    Two that start at the same moment may both pass: a limit is for guarding the installation, not for billing.
    """
    quotas = get_open_tenant(require_tenant()).quotas
    if most := quotas.get("executionsPerDay"):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if _count(_TODAY, midnight, most) >= most:
            raise _refusal(f"{most} executions a day", "wait until 00:00 UTC")
    if (most := quotas.get("concurrentExecutions")) and _count(_OPEN, OPEN_STATES, most) >= most:
        raise _refusal(f"{most} executions at the same time", "wait until some have ended")


def check_flow_quota() -> None:
    """Raises TooManyRequests when a flow more would be too many. No query without a limit."""
    most = get_open_tenant(require_tenant()).quotas.get("flows")
    if most and Flow.objects.filter(deleted=False).count() >= most:
        raise _refusal(f"{most} flows", "delete one")


def _count(sql: str, value: datetime | list[str], most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [value, most])
        return int(cursor.fetchone()[0])


def _refusal(limit: str, remedy: str) -> TooManyRequests:
    return TooManyRequests(f"This tenant may have {limit}: {remedy}, or ask a super admin to raise the quota.")
