"""A page's flow or execution: found only where the person may read, as if the others did not exist."""

from __future__ import annotations

from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.errors import NotFound
from apps.rbac.decisions import can, check_can
from apps.workflows.selectors.executions import ExecutionRow, find_execution
from apps.workflows.selectors.flows import FlowRow, find_flow


def readable_flow(
    request: HttpRequest,
    namespace: str,
    flow_id: str,
    *,
    action: str = "READ",
    revision: int | None = None,
    allow_deleted: bool = False,
) -> FlowRow:
    """The flow, if the person may read it. NotFound; Forbidden when it can be read but `action` is not permitted."""
    check_readable(current_user(request), "FLOW", namespace, f"There is no flow {namespace}.{flow_id}.", action)
    found = find_flow(namespace, flow_id, revision=revision, allow_deleted=allow_deleted)
    if found is None:
        at = f" at revision {revision}" if revision is not None else ""
        raise NotFound(f"There is no flow {namespace}.{flow_id}{at}.")
    return found


def readable_execution(
    request: HttpRequest, namespace: str, flow_id: str, execution_id: str, *, action: str = "READ"
) -> ExecutionRow:
    """The execution at this address, if the person may read it. NotFound; Forbidden as above."""
    missing = f"There is no execution {execution_id} of {namespace}.{flow_id}."
    check_readable(current_user(request), "EXECUTION", namespace, missing, action)
    found = find_execution(execution_id)
    if found is None or (found.namespace, found.flow_id) != (namespace, flow_id):
        raise NotFound(missing)
    return found


def check_readable(user: User, permission: str, namespace: str, missing: str, action: str = "READ") -> None:
    """NotFound where the person may not even read, Forbidden where not `action`."""
    if not can(user, permission, "READ", namespace):
        raise NotFound(missing)
    check_can(user, permission, action, namespace)
