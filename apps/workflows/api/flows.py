"""One flow: create, read, update, delete, its revisions and its tasks."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag, query_number
from apps.common.errors import Invalid, NotFound
from apps.rbac.decisions import can, check_can
from apps.workflows.api.describe import YAML, describe, flag, number
from apps.workflows.api.reading import read_source
from apps.workflows.flow_language.source import InvalidFlow
from apps.workflows.schemas.flows import FlowShape, FlowWithSourceShape
from apps.workflows.selectors.flows import FlowRow, find_flow, list_revisions
from apps.workflows.services.flow_checks import save_warnings
from apps.workflows.services.flow_documents import find_task, flow_document, flow_for_execution
from apps.workflows.services.flows import SavedFlow, check_source, delete_flow, update_flow
from apps.workflows.services.flows import create_flow as save_new_flow


@describe(FlowWithSourceShape, body=YAML, tag="Flows")
@access("FLOW", "CREATE")
def create_flow(request: Request) -> dict[str, Any]:
    """Save a new flow; its namespace is the one that the YAML names."""
    source = read_source(request)
    check_can(request.user, "FLOW", "CREATE", check_source(source).namespace)
    return _saved(save_new_flow(acting_user=request.user, source=source))


@describe(
    FlowWithSourceShape,
    query=(
        flag("source", "With the YAML it was written as."),
        number("revision", "An older revision."),
        flag("allowDeleted", "Also when it was deleted."),
    ),
    tag="Flows",
)
@access("FLOW", "READ")
def read_flow(request: Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """A flow at its newest revision, or at the one asked for."""
    query = request.query_params
    flow = get_flow(
        namespace,
        flow_id,
        revision=query_number(query, "revision"),
        allow_deleted=query_flag(query, "allowDeleted"),
    )
    return flow_document(flow, with_source=query_flag(query, "source"))


@describe(FlowWithSourceShape, body=YAML, tag="Flows")
@access("FLOW", "UPDATE")
def replace_flow(request: Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """Save the flow's next revision; the same source keeps the present one."""
    return _saved(
        update_flow(acting_user=request.user, namespace=namespace, flow_id=flow_id, source=read_source(request))
    )


@describe(tag="Flows")
@access("FLOW", "DELETE")
def remove_flow(request: Request, namespace: str, flow_id: str) -> None:
    """Delete the flow; its executions stay, and `allowDeleted` still shows it."""
    delete_flow(acting_user=request.user, namespace=namespace, flow_id=flow_id)


@describe(list[FlowWithSourceShape], tag="Flows")
@access("FLOW", "READ")
def read_revisions(request: Request, namespace: str, flow_id: str) -> list[dict[str, Any]]:
    """All revisions with their sources, oldest first; at most the newest 1000."""
    revisions = list_revisions(namespace, flow_id)
    if not revisions:
        raise NotFound(f"Flow {namespace}.{flow_id} not found")
    return [flow_document(flow, with_source=True) for flow in revisions]


@describe(dict[str, Any], query=(number("revision", "An older revision."),), tag="Flows")
@access("FLOW", "READ")
def read_task(request: Request, namespace: str, flow_id: str, task_id: str) -> dict[str, Any]:
    """One task of a flow, also a nested one."""
    flow = get_flow(namespace, flow_id, revision=query_number(request.query_params, "revision"))
    try:
        task = find_task(flow, task_id)
    except InvalidFlow as error:
        raise Invalid(f"The flow's source can no longer be read: {error.message}") from error
    if task is None:
        raise NotFound(f"Task {task_id} not found in {namespace}.{flow_id}")
    return task.to_json()


@describe(FlowShape, query=(number("revision"),), tag="Executions")
@access("EXECUTION", "READ")
def read_flow_for_execution(request: Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """What is needed to start a flow; who may not read flows sees the ids and types of its tasks only."""
    return flow_seen(request, get_flow(namespace, flow_id, revision=query_number(request.query_params, "revision")))


def get_flow(namespace: str, flow_id: str, *, revision: int | None = None, allow_deleted: bool = False) -> FlowRow:
    """NotFound, which names the revision when one was asked for."""
    found = find_flow(namespace, flow_id, revision=revision, allow_deleted=allow_deleted)
    if found is None:
        at = "" if revision is None else f" at revision {revision}"
        raise NotFound(f"Flow {namespace}.{flow_id}{at} not found")
    return found


def _saved(saved: SavedFlow) -> dict[str, Any]:
    flow = saved.flow
    row = FlowRow(
        flow.uid,
        flow.namespace,
        flow.flow_id,
        flow.revision,
        flow.source,
        flow.disabled,
        flow.deleted,
        flow.created,
        flow.updated,
    )
    warnings = save_warnings(saved.definition)
    return flow_document(row, with_source=True) | ({"warnings": warnings} if warnings else {})


def flow_seen(request: Request, flow: FlowRow) -> dict[str, Any]:
    """The flow as somebody who follows an execution may see it."""
    if can(request.user, "FLOW", "READ", flow.namespace):
        return flow_document(flow)
    return flow_for_execution(flow)
