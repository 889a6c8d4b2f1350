"""The execution that follows one that ended RETRIED: the same flow, inputs and labels, from the beginning."""

from __future__ import annotations

import structlog
from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.timers.services import drop_timers
from apps.workflows.execution_store.create import NewExecution
from apps.workflows.execution_store.load import lock_execution
from apps.workflows.execution_store.save import LogRow, insert_logs
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.executions import find_execution
from apps.workflows.services.definitions import FlowRevisionGone, load_flow
from apps.workflows.services.new_executions import store_execution
from apps.workflows.services.quotas import refusal_of_execution

log = structlog.get_logger(__name__)

TIMER = "new_execution"
"""Kind of the timer that asks for it until it is there."""


def create_retry(execution_id: str, new_id: str) -> None:
    """Start the next execution, once however often this is asked, and stop asking. Nothing for one that went on."""
    tenant = require_tenant()
    now = read_clock()
    with transaction.atomic():
        locked = lock_execution(execution_id)
        held = find_execution(execution_id)
        drop_timers(tenant, [(TIMER, execution_id)])
        if locked is None or held is None or locked.execution.state is not State.RETRIED:
            return
        try:
            definition = load_flow(locked.flow_ref, locked.execution.flow_revision).definition
        except (FlowRevisionGone, InvalidFlow) as error:
            log.error("a retry cannot be started", execution=execution_id, reason=str(error))
            return
        if refusal := refusal_of_execution(now):
            line = LogRow(None, 0, Level.ERROR, now, f"The next try is not started: {refusal}")
            insert_logs(execution_id, locked.flow_ref, [line])
            return
        new = NewExecution(
            id=new_id,
            namespace=held.namespace,
            flow_id=held.flow_id,
            flow_revision=held.flow_revision,
            flow_ref=held.flow_ref,
            labels=[(label["key"], label["value"]) for label in held.labels],
            inputs=held.inputs,
            variables=held.variables,
            trigger=held.trigger,
            parent_id=execution_id,
            original_id=held.original_id or execution_id,
            attempt_number=held.attempt_number + 1,
            original_created=held.original_created or held.start_date,
        )
        store_execution(new, definition, now)
