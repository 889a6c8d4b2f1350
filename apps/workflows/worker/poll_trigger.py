"""One look of a polling trigger, by a worker. What the trigger does never raises: it becomes its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import new_id
from apps.workflows.engine.frontier import Change, RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.execution_store.json_text import clean
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.trigger import PollingTrigger
from apps.workflows.services.polling import claim_poll, finish_poll
from apps.workflows.services.trigger_starts import TriggeredFlow
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.run_context import TaskRunContext

log = structlog.get_logger(__name__)


def poll_trigger(number: int, claim: str, worker_id: str) -> str | None:
    """Look, and hand in the answer; the id of the execution it led to. Nothing for a look that was taken back.

    Raises OperationalError or InterfaceError when the product's own database went away: the lease ends, and another
    worker looks.
    """
    try:
        of = claim_poll(number, claim, worker_id)
    except InvalidFlow as error:
        return finish_poll(number, claim, None, f"The flow can no longer be read: {error}", [])
    if of is None or not isinstance(of.trigger, PollingTrigger):
        return None
    logs = LogCapture(new_id(), of.trigger.id, 0, of.trigger.log_level)
    found: Mapping[str, Any] | None = None
    failure: str | None = None
    context = _context(of, logs)
    try:
        found = of.trigger.poll(context)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        # Plugin code may raise anything; whatever it is ends this look and is told in the trigger's log.
        failure = logs.masked(str(error) or type(error).__name__)
        log.info("a look of a trigger failed", trigger=number, error=failure)
    finally:
        context.close()
    lines = [(line.level, line.message) for line in logs.take()[0]]
    return finish_poll(number, claim, None if found is None else clean(found), failure, lines)


def _context(of: TriggeredFlow, logs: LogCapture) -> TaskRunContext:
    now = read_clock()
    facts = ExecutionFacts(
        id=new_id(),
        namespace=of.source.namespace,
        flow_id=of.source.flow_id,
        flow_revision=of.source.revision,
        flow_ref=of.source.flow_ref,
        inputs={},
        variables={},
        trigger=None,
        labels=[],
        start_date=now,
        original_id=None,
    )
    run = RunRow(
        id=logs.task_run_id, task_id=of.trigger.id, state=State.RUNNING, histories=[Change(State.RUNNING, now)]
    )
    return TaskRunContext(require_tenant(), facts, of.flow, run, logs)
