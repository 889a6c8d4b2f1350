"""Keeping house, a little each second: lost processes, old events, retention of what is kept for a while only."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from apps.live.services import roll_partitions
from apps.tenants.scope import UnknownTenant, tenant_scope
from apps.timers.services import tenants_with
from apps.workflows.engine.events import WorkerLost
from apps.workflows.execution_store.claims import held_by
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.processes import bury_process, forget_processes, lost_processes

log = structlog.get_logger(__name__)

HOUSE_SECONDS = 3
"""Ticks in the first seconds of a minute keep house: one may be dropped, and doing it twice costs nothing."""
KEEP_PROCESSES = timedelta(days=1)
_HOUSE_LOCK = 7_431_001
"""Advisory lock: one process of the installation keeps house at a time."""


def run_chores(now: datetime) -> None:
    """What a tick does beside timers. Several may run at once; none does another's work twice."""
    give_lost_claims_back(now)
    if now.second < HOUSE_SECONDS:
        keep_house(now)


def give_lost_claims_back(now: datetime) -> int:
    """Give back every claim of processes whose heartbeat stopped; answers how many claims.

    A process is buried only when no tenant has a claim of it, so that a crash in the middle leaves the rest to the
    next tick.
    """
    given = 0
    for process_id in lost_processes(now):
        for tenant in tenants_with("watch"):
            try:
                with tenant_scope(tenant):
                    for execution_id, run_id, token in held_by(process_id):
                        log.warning("claim of a lost process is given back", execution=execution_id, run=run_id)
                        advance_execution(execution_id, WorkerLost(run_id, token))
                        given += 1
            except UnknownTenant:
                continue
        bury_process(process_id)
    return given


def keep_house(now: datetime) -> None:
    """Once a minute, by one process: the next hour's event partition, old events and old process rows."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_HOUSE_LOCK])
            if not cursor.fetchone()[0]:
                return
        roll_partitions(now)
        forget_processes(now - KEEP_PROCESSES)
