"""Executions: one, lists, their flows, and deleting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag, required_query
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalArgument, NotFound
from apps.rbac.decisions import can
from apps.workflows.api.describe import EXECUTION_FILTERS, PAGE, SORTED_PAGE, describe, flag, text
from apps.workflows.api.flows import flow_seen, get_flow
from apps.workflows.api.reading import (
    answer_json,
    answer_unfit,
    filters_of_the_caller,
    get_execution,
    get_head,
    read_criteria,
    read_ids,
    read_page_asked,
    seen_by,
)
from apps.workflows.schemas.executions import ExecutionPageShape, ExecutionShape, execution_json, executions_json
from apps.workflows.schemas.flows import BulkShape, FlowShape
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import (
    DEFAULT_ORDER,
    SORTABLE,
    ExecutionFilter,
    ExecutionPage,
    list_execution_ids,
    search_executions,
)
from apps.workflows.selectors.filter_keys import EXECUTION_KEYS
from apps.workflows.selectors.flows import MAX_FLOWS, add_visible, list_namespaces, not_deleted, search_flows
from apps.workflows.selectors.task_runs import list_task_runs
from apps.workflows.services.bulk_executions import (
    MAX_EXECUTIONS,
    UnfitExecutions,
    check_executions,
    delete_bulk,
    undeletable,
)
from apps.workflows.services.execution_filters import FIELDS, build_execution_filter
from apps.workflows.services.executions import delete_execution
from apps.workflows.services.flow_documents import flow_for_execution
from apps.workflows.services.stored_outputs import with_flow_outputs, with_outputs

MORE_TASK_RUNS: Final = "X-Next-Task-Run"
"""Header of an execution with more task runs than one answer holds: give it as `taskRunsAfter`."""
INEXACT: Final = "X-Total-Exact"
DELETE_FLAGS: Final = (
    flag("deleteLogs", "With its logs (true when not given)."),
    flag("deleteMetrics", "With its metrics (true when not given)."),
    flag("deleteStorage", "With its files (true when not given)."),
)


@describe(
    ExecutionShape,
    query=(text("taskRunsAfter", f"Task runs after this one: the value of the header {MORE_TASK_RUNS}."),),
    tag="Executions",
)
@access("EXECUTION", "READ")
def read_execution(request: Request, execution_id: str) -> HttpResponse:
    """An execution with its first 2000 task runs; if there are more, the header X-Next-Task-Run says where to go on."""
    execution = get_execution(request, execution_id)
    page = list_task_runs(execution_id, after=request.query_params.get("taskRunsAfter") or None)
    headers = {MORE_TASK_RUNS: page.following} if page.following else None
    return answer_json(
        execution_json(with_flow_outputs(execution), with_outputs(execution_id, page.runs), read_clock()),
        headers=headers,
    )


@describe(ExecutionPageShape, query=(*EXECUTION_FILTERS, *SORTED_PAGE), tag="Executions")
@access("EXECUTION", "READ")
def find_executions(request: Request) -> HttpResponse:
    """Executions that the caller may see, newest first; without their task runs.

    The header X-Total-Exact is `false` when `total` is an estimate.
    """
    return _page(request, find_filter(request, "READ"))


@describe(
    ExecutionPageShape,
    query=(text("namespace", required=True), text("flowId", required=True), *PAGE),
    tag="Executions",
)
@access("EXECUTION", "READ")
def list_of_flow(request: Request) -> HttpResponse:
    """Executions of one flow, newest first. With other filters it is the same as /executions/search."""
    query = request.query_params
    if not any(name.startswith("filters[") for name in query):
        required_query(query, "namespace")
        required_query(query, "flowId")
    return _page(request, find_filter(request, "READ"))


@describe(FlowShape, tag="Executions")
@access("EXECUTION", "READ")
def read_flow_of_execution(request: Request, execution_id: str) -> dict[str, Any]:
    """The flow, at the revision that the execution runs."""
    execution = get_execution(request, execution_id)
    flow = get_flow(execution.namespace, execution.flow_id, revision=execution.flow_revision, allow_deleted=True)
    return flow_seen(request, flow)


@describe(list[str], tag="Executions")
@access("EXECUTION", "CREATE")
def startable_namespaces(request: Request) -> list[str]:
    """Namespaces with flows that the caller may start."""
    return list_namespaces(_startable(request))


@describe(list[FlowShape], tag="Executions")
@access("EXECUTION", "CREATE")
def startable_flows(request: Request, namespace: str) -> list[dict[str, Any]]:
    """Flows of a namespace that the caller may start."""
    conditions = _startable(request)
    conditions.add("f.namespace = %s", namespace)
    rows, _ = search_flows(conditions, order=(), offset=0, size=MAX_FLOWS)
    return [flow_for_execution(row) for row in rows]


def _startable(request: Request) -> Conditions:
    conditions = not_deleted()
    conditions.add("NOT f.disabled")
    add_visible(conditions, seen_by(request, "EXECUTION", "CREATE"))
    return conditions


@describe(query=DELETE_FLAGS, tag="Executions")
@access("EXECUTION", "DELETE")
def remove_execution(request: Request, execution_id: str) -> None:
    """Delete an execution that has ended."""
    get_head(request, execution_id, action="DELETE")
    delete_execution(acting_user=request.user, execution_id=execution_id, **_delete_flags(request))


@describe(BulkShape, body=list[str], query=DELETE_FLAGS, tag="Executions")
@access("EXECUTION", "DELETE")
def remove_by_ids(request: Request) -> HttpResponse | dict[str, int]:
    """Delete ended executions, all or none."""
    return _remove(request, read_ids(request))


@describe(BulkShape, query=(*EXECUTION_FILTERS, *DELETE_FLAGS), tag="Executions")
@access("EXECUTION", "DELETE")
def remove_by_query(request: Request) -> HttpResponse | dict[str, int]:
    """Delete all executions that a search finds, all or none: each must have ended."""
    return _remove(request, find_ids(request, "DELETE"))


def _remove(request: Request, execution_ids: Sequence[str]) -> HttpResponse | dict[str, int]:
    try:
        heads = check_executions(
            execution_ids,
            may=lambda namespace: can(request.user, "EXECUTION", "DELETE", namespace),
            fits=undeletable,
        )
        return {"count": delete_bulk(acting_user=request.user, heads=heads, **_delete_flags(request))}
    except UnfitExecutions as error:
        return answer_unfit("delete", error)


def _delete_flags(request: Request) -> dict[str, bool]:
    query = request.query_params
    return {
        "logs": query_flag(query, "deleteLogs", default=True),
        "metrics": query_flag(query, "deleteMetrics", default=True),
        "storage": query_flag(query, "deleteStorage", default=True),
    }


@describe(tag="Executions")
@access("EXECUTION", "READ")
def no_such_execution(request: Request, namespace: str, flow_id: str) -> None:
    """Reading below something that is no id of an execution."""
    raise NotFound(f"Execution {namespace[:60]} not found")


def find_filter(request: Request, action: str) -> ExecutionFilter:
    """What the query asks for, within what the caller may do. BadRequest."""
    with filters_of_the_caller():
        return build_execution_filter(
            read_criteria(request.query_params, FIELDS, EXECUTION_KEYS),
            namespaces=seen_by(request, "EXECUTION", action),
        )


def find_ids(request: Request, action: str) -> list[str]:
    """Ids of what the query finds, within what the caller may do. BadRequest; IllegalArgument for too many."""
    wanted = find_filter(request, action)
    with filters_of_the_caller():
        ids = list_execution_ids(wanted, most=MAX_EXECUTIONS)
    if len(ids) > MAX_EXECUTIONS:
        raise IllegalArgument(f"More than {MAX_EXECUTIONS} executions match; narrow the search.")
    return ids


def _page(request: Request, wanted: ExecutionFilter) -> HttpResponse:
    asked = read_page_asked(request.query_params, sortable=SORTABLE, default=DEFAULT_ORDER)
    with filters_of_the_caller():
        page = search_executions(wanted, size=asked.size, offset=asked.offset, order=asked.order)
    return answer_page(page)


def answer_page(page: ExecutionPage) -> HttpResponse:
    """A page of executions."""
    body = {"results": executions_json(page.rows, read_clock()), "total": page.total}
    return answer_json(body, headers=None if page.exact else {INEXACT: "false"})
