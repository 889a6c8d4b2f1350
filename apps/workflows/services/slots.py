"""Queued executions of a flow with a limit: let go when places are free; none strands, no place is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from django.db import connection, transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import from_uuid
from apps.timers.services import drop_timers, set_timers
from apps.workflows.engine.events import SlotFreed
from apps.workflows.execution_store.slots import SLOTS_TIMER, recount_slots, slots_key
from apps.workflows.plugin_api.state import State
from apps.workflows.services.advance import SLOTS_EVERY, advance_execution

log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 100
"""Executions one call lets go; the next end, or the flow's timer, goes on from there."""


def free_queued(namespace: str, flow_id: str) -> int:
    """Let the oldest queued executions of a flow begin until one finds no place; answers how many began.

    Not only one: two that end at once may both find the same oldest one.
    """
    for begun in range(MOST_AT_ONCE):
        oldest = find_oldest_queued(namespace, flow_id)
        if oldest is None or advance_execution(oldest, SlotFreed()).state is State.QUEUED:
            return begun
    return MOST_AT_ONCE


def look_after_slots(key: str) -> None:
    """The timer of a flow at its limit: count its places, let go what may go, and come again while one is queued."""
    namespace, _, flow_id = key.partition("/")
    with transaction.atomic():
        wrong = recount_slots(namespace, flow_id)
    if wrong:
        log.warning("places of a flow's limit were counted wrong", namespace=namespace, flow=flow_id, by=wrong)
    begun = free_queued(namespace, flow_id)
    tenant = require_tenant()
    with transaction.atomic():
        # Dropped before the look: an execution that is queued in between leaves a new timer.
        drop_timers(tenant, [(SLOTS_TIMER, key)])
        if find_oldest_queued(namespace, flow_id) is not None:
            wait = timedelta(0) if begun == MOST_AT_ONCE else SLOTS_EVERY
            set_timers(tenant, [(SLOTS_TIMER, slots_key(namespace, flow_id), read_clock() + wait)])


def find_oldest_queued(namespace: str, flow_id: str) -> str | None:
    """One query over the index of queued executions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM execution WHERE namespace = %s AND flow_id = %s AND state = 'QUEUED'"
            " ORDER BY start_date, id LIMIT 1",
            [namespace, flow_id],
        )
        row = cursor.fetchone()
    return None if row is None else from_uuid(row[0])
