"""Executions that wake at the same time: their steps in one transaction, their rows read and written together."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.workflows.dispatch import send_commands
from apps.workflows.engine.events import Woken
from apps.workflows.execution_store.load import load_frontiers, lock_free_executions
from apps.workflows.execution_store.pipelined import statements_together
from apps.workflows.services.advance import RUN_TIMERS, step

log = structlog.get_logger(__name__)

TOGETHER = 25
"""Steps of one transaction: what they share is spread by then, and nobody waits long for one of their rows."""

Timer = tuple[str, str]
"""Kind and key."""


def wake_together(timers: Sequence[Timer]) -> list[Timer]:
    """Make the steps of due timers of sleeping task runs, up to TOGETHER in a transaction. Answers the timers that are
    left for a step of their own: of another kind, the second of an execution, of one that another step holds or that
    is gone, and those of a transaction that failed.

    Executions that another step holds are passed over, so this waits for none while it holds others. Flows are taken
    in their order, so that two such transactions take the places of limits in one order.
    """
    left: list[Timer] = []
    first: dict[str, Timer] = {}
    for kind, key in timers:
        execution_id, _, run_id = key.partition(":")
        if kind in RUN_TIMERS and run_id and execution_id not in first:
            first[execution_id] = (kind, key)
        else:
            left.append((kind, key))
    if len(first) < 2:
        return list(timers)
    ids = list(first)
    for start in range(0, len(ids), TOGETHER):
        share = {execution_id: first[execution_id] for execution_id in ids[start : start + TOGETHER]}
        try:
            woken = _wake_share(share)
        except Exception:
            # Nothing of it was kept. Which one it was shows when each has a transaction of its own.
            log.exception("executions could not be woken together, each is woken by itself", executions=len(share))
            woken = set()
        left += [timer for execution_id, timer in share.items() if execution_id not in woken]
    return left


def _wake_share(share: dict[str, Timer]) -> set[str]:
    tenant, now = require_tenant(), read_clock()
    with transaction.atomic():
        held = lock_free_executions(share)
        runs = {locked.execution.id: share[locked.execution.id][1].partition(":")[2] for locked in held}
        frontiers = load_frontiers(held, runs)
        with statements_together():
            for locked in held:
                execution_id = locked.execution.id
                event = Woken(share[execution_id][0], runs[execution_id])
                decision = step(tenant, locked, event, now, frontier=frontiers[execution_id])
                send_commands(execution_id, decision.commands)
    return set(runs)
