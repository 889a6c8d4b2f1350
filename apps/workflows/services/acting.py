"""What actions of a person on an execution have in common: they hold its row, and are audited in its transaction."""

from __future__ import annotations

from apps.audit.services import Actor, record
from apps.common.errors import NotFound
from apps.workflows.engine.frontier import ExecutionRow
from apps.workflows.execution_store.load import Locked, lock_execution

UPDATE = "UPDATE"


def hold_execution(execution_id: str) -> Locked:
    """Lock and read the execution, in the caller's transaction. NotFound."""
    locked = lock_execution(execution_id)
    if locked is None:
        raise NotFound(f"Execution {execution_id} not found")
    return locked


def record_action(
    acting_user: Actor | None, execution: ExecutionRow, action: str, *, kind: str = UPDATE, **more: object
) -> None:
    """One audit entry of the action, in the caller's transaction. ``kind`` is CREATE when it makes an execution."""
    record(
        acting_user=acting_user,
        action=kind,
        resource="Execution",
        detail={
            "namespace": execution.namespace,
            "flowId": execution.flow_id,
            "executionId": execution.id,
            "action": action,
        }
        | {name: value for name, value in more.items() if value is not None},
        permission="EXECUTION",
    )
