"""What the clock brings: due timers of all tenants become events of their executions (architecture.md §6)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError

from apps.common.clock import now as read_clock
from apps.common.dispatch import EXECUTOR_QUEUE, send_now, worker_queue
from apps.isolation.selectors import BackendDenied
from apps.tenants.scope import UnknownTenant, tenant_scope
from apps.timers.services import claim_due_timers, drop_tenant_timers
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.events import Continue, Event, Woken
from apps.workflows.execution_store.news import NEWS_TIMER
from apps.workflows.execution_store.slots import SLOTS_TIMER
from apps.workflows.services.advance import CONTINUE_TIMER, advance_execution
from apps.workflows.services.flow_triggers import tell_triggers
from apps.workflows.services.handing_over import WORKER, reaching_group
from apps.workflows.services.schedules import evaluate_due
from apps.workflows.services.slots import look_after_slots
from apps.workflows.services.trigger_states import FLOW_TIMER, TRIGGER_TIMER, make_missing_rows
from apps.workflows.services.waking import wake_together

log = structlog.get_logger(__name__)

AT_ONCE = 50
"""Due timers a tick handles itself; more are shared out in jobs of this many."""
MOST_PER_TICK = 5_000
"""Due timers claimed by one tick; what is left is found a second later."""
EXECUTION_KINDS = frozenset(
    {"watch", CONTINUE_TIMER, "retry", "sleep", "timeout", "delay", "pause_timeout", "loop", "sla", "new_execution"}
    | {"schedule"}
)
"""Timers whose key starts with the id of an execution that then makes a step."""
OF_EXECUTIONS = EXECUTION_KINDS | {NEWS_TIMER}


def tick_timers(now: datetime) -> int:
    """Claim due timers and turn them into steps; answers how many were claimed."""
    by_tenant: dict[str, list[tuple[str, str]]] = defaultdict(list)
    due = claim_due_timers(now, MOST_PER_TICK)
    for timer in due:
        by_tenant[timer.tenant].append((timer.kind, timer.key))
    here = len(due) <= AT_ONCE
    for tenant, timers in by_tenant.items():
        if here:
            _wake_in(tenant, timers)
            continue
        for start in range(0, len(timers), AT_ONCE):
            share = [list(timer) for timer in timers[start : start + AT_ONCE]]
            send_now("workflows.wake_timers", share, queue=EXECUTOR_QUEUE, tenant=tenant)
    return len(due)


def _wake_in(tenant: str, timers: Sequence[tuple[str, str]]) -> None:
    try:
        with tenant_scope(tenant):
            wake(timers)
    except UnknownTenant:
        log.warning("timers of a tenant that is gone are dropped", tenant=tenant, timers=len(timers))
        drop_tenant_timers(tenant)


def wake(timers: Sequence[tuple[str, str]]) -> None:
    """Make the steps of due timers of the open tenant. One that fails is logged and due again after its grace."""
    if triggers := [key for kind, key in timers if kind == TRIGGER_TIMER]:
        evaluate_due(triggers)
    for kind, key in wake_together([timer for timer in timers if timer[0] != TRIGGER_TIMER]):
        try:
            _wake_one(kind, key)
        except DatabaseError:
            raise
        except BackendDenied as denied:
            _hand_to_worker(kind, key, denied)
        except Exception:
            # One broken execution must not keep the others asleep; its timer comes again.
            log.exception("a timer's step failed", kind=kind, key=key)


def _hand_to_worker(kind: str, key: str, denied: BackendDenied) -> None:
    """The step needs a backend that this kind of process may not touch; workers may. Its timer comes again."""
    if settings.PROCESS == WORKER:
        log.error("workers may not touch a dedicated backend either", kind=kind, key=key, error=denied.message)
        return
    group = reaching_group(key.partition(":")[0]) if kind in OF_EXECUTIONS else DEFAULT_GROUP
    send_now("workflows.wake_timers", [[kind, key]], queue=worker_queue(group))


def _wake_one(kind: str, key: str) -> None:
    if kind == SLOTS_TIMER:
        look_after_slots(key)
    elif kind == NEWS_TIMER:
        execution_id, _, number = key.partition(":")
        tell_triggers(execution_id, int(number))
    elif kind == FLOW_TIMER:
        make_missing_rows(int(key), read_clock())
    elif kind in EXECUTION_KINDS:
        execution_id, _, rest = key.partition(":")
        event: Event = Continue() if kind == CONTINUE_TIMER else Woken(kind, rest)
        advance_execution(execution_id, event)
    else:
        log.error("a timer of an unknown kind is due", kind=kind, key=key)
