"""Log lines: of one execution, as a text, across executions; and deleting them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

from django.db import close_old_connections
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_number
from apps.common.errors import NotFound
from apps.common.ids import to_uuid
from apps.workflows.api.describe import SORTED_PAGE, TEXT, describe, moment, number, text
from apps.workflows.api.executions import INEXACT
from apps.workflows.api.reading import (
    answer_json,
    filters_of_the_caller,
    get_head,
    read_criteria,
    read_level,
    read_page_asked,
    seen_by,
    tenant_of,
)
from apps.workflows.schemas.logs import LogEntryShape, LogPageShape, log_json, log_text
from apps.workflows.selectors.filter_keys import LOG_KEYS
from apps.workflows.selectors.flows import find_flow
from apps.workflows.selectors.log_search import (
    PAGE,
    LogLine,
    execution_conditions,
    list_execution_logs,
    search_logs,
)
from apps.workflows.services.following import in_tenant
from apps.workflows.services.log_filters import FIELDS, build_log_filter
from apps.workflows.services.logs import delete_execution_logs, delete_flow_logs

MORE_LINES: Final = "X-Next-Line"
"""Header of a log with more lines than one answer holds: give it as `after`."""
SORTABLE: Final = {"timestamp": "id", "date": "id"}
LINE_FILTERS: Final = (
    text("minLevel", "Least level."),
    text("taskRunId"),
    text("taskId"),
    number("attempt"),
)


@describe(
    list[LogEntryShape],
    query=(*LINE_FILTERS, number("after", f"Lines after this number: the value of the header {MORE_LINES}.")),
    tag="Logs",
)
@access("EXECUTION", "READ")
def read_execution_logs(request: Request, execution_id: str) -> HttpResponse:
    """Lines of an execution by time, the first 5000; if there are more, the header X-Next-Line says where to go on."""
    get_head(request, execution_id)
    after = query_number(request.query_params, "after", 0) or 0
    lines = list_execution_logs(execution_id, **_line_filters(request), after=after, limit=PAGE + 1)
    headers = {MORE_LINES: str(lines[PAGE - 1].number)} if len(lines) > PAGE else None
    shown = sorted(lines[:PAGE], key=lambda line: (line.timestamp, line.number))
    return answer_json([log_json(line) for line in shown], headers=headers)


@describe(TEXT, query=LINE_FILTERS, tag="Logs")
@access("EXECUTION", "READ")
def download_logs(request: Request, execution_id: str) -> StreamingHttpResponse:
    """All lines of an execution as a text, one per line, streamed."""
    get_head(request, execution_id)
    read = partial(list_execution_logs, execution_id, **_line_filters(request))
    close_old_connections()
    return StreamingHttpResponse(
        _whole_log(tenant_of(request), read),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="kestra-execution-{execution_id}.log"'},
    )


async def _whole_log(tenant: str, read: partial[list[LogLine]]) -> AsyncIterator[bytes]:
    after = 0
    while lines := await in_tenant(tenant, read, after=after):
        yield "".join(log_text(line) for line in lines).encode()
        after = lines[-1].number


@describe(dict[str, Any], query=LINE_FILTERS, tag="Logs")
@access("EXECUTION", "DELETE")
def remove_execution_logs(request: Request, execution_id: str) -> dict[str, int]:
    """Delete the lines of an execution that meet the filters."""
    head = get_head(request, execution_id, action="DELETE")
    conditions = execution_conditions(execution_id, **_line_filters(request))
    return {"count": delete_execution_logs(acting_user=request.user, execution=head, conditions=conditions)}


@describe(dict[str, Any], query=(text("triggerId", required=True),), tag="Logs")
@access("EXECUTION", "DELETE")
def remove_flow_logs(request: Request, namespace: str, flow_id: str) -> dict[str, int]:
    """Delete the lines of a flow's trigger, or without `triggerId` all lines of the flow."""
    flow = find_flow(namespace, flow_id, allow_deleted=True)
    if flow is None:
        raise NotFound(f"Flow {namespace}.{flow_id} not found")
    trigger_id = request.query_params.get("triggerId") or None
    return {"count": delete_flow_logs(acting_user=request.user, flow=flow, trigger_id=trigger_id)}


@describe(
    LogPageShape,
    query=(
        text("q", "Words of the message."),
        text("namespace", "With all below it."),
        text("flowId"),
        text("triggerId"),
        text("executionId"),
        text("minLevel"),
        moment("startDate"),
        moment("endDate"),
        *SORTED_PAGE,
    ),
    tag="Logs",
)
@access("EXECUTION", "READ")
def find_logs(request: Request) -> HttpResponse:
    """Lines of all executions that the caller may see, newest first.

    The header X-Total-Exact is `false` when `total` is an estimate.
    """
    asked = read_page_asked(request.query_params, sortable=SORTABLE, default=("-id",))
    with filters_of_the_caller():
        wanted = build_log_filter(
            read_criteria(request.query_params, FIELDS, LOG_KEYS), namespaces=seen_by(request, "EXECUTION")
        )
        lines, total, exact = search_logs(
            wanted, size=asked.size, offset=asked.offset, oldest_first=asked.order[:1] == ("id",)
        )
    body = {"results": [log_json(line) for line in lines], "total": total}
    return answer_json(body, headers=None if exact else {INEXACT: "false"})


def _line_filters(request: Request) -> dict[str, Any]:
    query = request.query_params
    run_id = query.get("taskRunId") or None
    if run_id is not None:
        to_uuid(run_id)
    return {
        "min_level": read_level(query),
        "task_run_id": run_id,
        "task_id": query.get("taskId") or None,
        "attempt": query_number(query, "attempt"),
    }
