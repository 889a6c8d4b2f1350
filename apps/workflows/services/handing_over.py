"""What this kind of process may not do, because it needs a dedicated backend that workers alone may reach."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction

from apps.common.current_tenant import require_tenant
from apps.common.dispatch import send, send_now, worker_queue
from apps.instance.selectors import active_workers
from apps.isolation.catalog import Kind
from apps.isolation.selectors import BackendDenied, is_denied
from apps.workflows.dispatch import DEFAULT_GROUP
from apps.workflows.engine.commands import Continue
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.events import Event
from apps.workflows.execution_store.load import Locked
from apps.workflows.selectors.executions import find_head
from apps.workflows.services.acting import hold_execution
from apps.workflows.services.advance import step
from apps.workflows.services.definitions import default_group

log = structlog.get_logger(__name__)

WORKER: Final = "worker"
"""What a worker process is called in the settings."""


def step_or_hand_over(locked: Locked, event: Event, now: datetime) -> Decision:
    """A person's action as a step in the request, on an execution whose row the caller's transaction holds.

    When what follows from it needs a backend that this process may not reach, the action alone is kept, all that
    follows is put off, and the workers of the flow's group go on with it. BackendDenied when not even that can be done.
    """
    tenant = require_tenant()
    if not any(is_denied(kind) for kind in Kind):
        return step(tenant, locked, event, now)
    try:
        with transaction.atomic():
            return step(tenant, locked, event, now)
    except BackendDenied:
        # The rows in memory have gone ahead of the database: they are read again.
        again = hold_execution(locked.execution.id)
        decision = step(tenant, again, event, now, put_off=True)
    if any(isinstance(command, Continue) for command in decision.commands):
        decision.commands = [command for command in decision.commands if not isinstance(command, Continue)]
        send("workflows.continue_execution", again.execution.id, queue=worker_queue(reaching_group(again.execution.id)))
    return decision


def here_or_on_workers(work: Callable[[], None], job: str, *arguments: str | int | None) -> None:
    """Do a job of an execution, whose id comes first, or have it done by a worker of the flow's group. ``work`` keeps
    nothing when it raises BackendDenied."""
    try:
        work()
    except BackendDenied as denied:
        if settings.PROCESS == WORKER:
            log.error("workers may not touch a dedicated backend either", job=job, error=denied.message)
            raise
        send_now(job, *arguments, queue=worker_queue(reaching_group(str(arguments[0]))))


def reaching_group(execution_id: str) -> str:
    """The worker group for a step that needs the execution's dedicated backends: that of its namespace or tenant, while
    a worker serves it, else the default one."""
    head = find_head(execution_id)
    group = None if head is None else default_group(head.namespace)
    if group is None or "{" in group.key or not active_workers()[group.key]:
        return DEFAULT_GROUP
    return group.key
