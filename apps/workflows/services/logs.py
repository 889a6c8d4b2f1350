"""Deleting log lines, with an audit entry each time."""

from __future__ import annotations

from django.db import transaction

from apps.audit.services import Actor, record
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.executions import ExecutionHead
from apps.workflows.selectors.flows import FlowRow
from apps.workflows.selectors.log_search import delete_logs


def delete_execution_logs(*, acting_user: Actor | None, execution: ExecutionHead, conditions: Conditions) -> int:
    """Delete the lines of an execution that meet the conditions; answers how many."""
    with transaction.atomic():
        count = delete_logs(conditions)
        record(
            acting_user=acting_user,
            action="DELETE",
            resource="Log",
            detail={
                "namespace": execution.namespace,
                "flowId": execution.flow_id,
                "executionId": execution.id,
                "count": count,
            },
            permission="EXECUTION",
        )
    return count


def delete_flow_logs(*, acting_user: Actor | None, flow: FlowRow, trigger_id: str | None) -> int:
    """Delete the lines of a flow's trigger, or (None) all lines of the flow; answers how many."""
    conditions = Conditions(["l.flow_ref = %s"], [flow.flow_ref])
    if trigger_id is not None:
        conditions.add("l.trigger_id = %s", trigger_id)
    with transaction.atomic():
        count = delete_logs(conditions)
        record(
            acting_user=acting_user,
            action="DELETE",
            resource="Log",
            detail={
                "namespace": flow.namespace,
                "flowId": flow.flow_id,
                "triggerId": trigger_id,
                "count": count,
            },
            permission="EXECUTION",
        )
    return count
