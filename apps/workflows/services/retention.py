"""Purges what tenants keep for some days only, in slices that are each committed and for a bounded time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import connection

from apps.common.clock import now as read_clock
from apps.tenants.models import Tenant
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.workflows.plugin_api.executions import Selection
from apps.workflows.services.purging import ENDED, purge_executions, purge_logs

log = structlog.get_logger(__name__)

SECONDS: Final = 120
"""For one tenant in one run; what is left waits for the next one."""


class _TimeIsUp(Exception):
    """The rest waits for the next run."""


def purge_by_retention() -> None:
    """Walks over the tenants that chose a retention, one after another; a tenant with nothing old costs two queries."""
    with public_scope():
        kept = Tenant.objects.filter(deleted_at=None).exclude(retention={})
        tenants = [(tenant.pk, tenant.retention) for tenant in kept]
    for tenant_id, retention in tenants:
        try:
            with tenant_scope(tenant_id):
                _purge(retention, read_clock())
        except UnknownTenant:
            continue


def _purge(retention: dict[str, int], now: datetime) -> None:
    deadline = time.monotonic() + SECONDS

    def check() -> None:
        if time.monotonic() > deadline:
            raise _TimeIsUp

    try:
        if days := retention.get("executionDays"):
            before = now - timedelta(days=days)
            if _any("SELECT FROM execution WHERE start_date < %s AND state = ANY(%s) LIMIT 1", before, list(ENDED)):
                purge_executions(acting_user=None, selection=Selection(end=before), check=check)
        if days := retention.get("logDays"):
            before = now - timedelta(days=days)
            if _any("SELECT FROM log WHERE ts < %s LIMIT 1", before):
                purge_logs(acting_user=None, selection=Selection(end=before), check=check)
    except _TimeIsUp:
        log.info("retention goes on at the next run")


def _any(sql: str, *values: datetime | list[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() is not None
