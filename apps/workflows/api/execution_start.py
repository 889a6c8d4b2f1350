"""Starting executions, and checking inputs without starting one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag, query_instant, query_number
from apps.common.clock import now as read_clock
from apps.common.errors import Invalid
from apps.live.stream import leave_request_thread
from apps.workflows.api.describe import FORM, describe, flag, moment, number, text
from apps.workflows.api.reading import answer_json, plain_json, read_labels, tenant_of
from apps.workflows.plugin_api.state import State
from apps.workflows.schemas.executions import StartedExecutionShape, execution_json
from apps.workflows.selectors.executions import find_execution
from apps.workflows.selectors.task_runs import list_task_runs
from apps.workflows.services.executions import StartRequest, check_inputs, create_execution
from apps.workflows.services.following import in_tenant, watching
from apps.workflows.services.stored_outputs import with_flow_outputs, with_outputs

FILES_PART: Final = "files"
"""Older clients send files in parts of this name; then the file's name is the input's id."""
LABELS: Final = text("labels", "`key:value`, repeatable.", many=True)


@describe(
    StartedExecutionShape,
    body=FORM,
    query=(
        LABELS,
        flag("wait", "Answer when it has ended."),
        number("revision", "Of the flow; the newest when not given."),
        moment("scheduleDate", "Start then, not now."),
    ),
    tag="Executions",
)
@access("EXECUTION", "CREATE")
def start_execution(request: Request, namespace: str, flow_id: str) -> HttpResponse | StreamingHttpResponse:
    """Start a flow. Inputs come as a form, one part per input id, or as a JSON object; a body is not needed."""
    asked = _start_request(request, namespace, flow_id)
    wait = query_flag(request.query_params, "wait")
    started = create_execution(acting_user=request.user, request=asked)
    tenant = tenant_of(request)
    url = execution_url(tenant, namespace, flow_id, started.execution_id)
    if wait:
        # The answer comes when the execution ends: until then neither a thread nor a connection is held for it.
        close_old_connections()
        return StreamingHttpResponse(end_of(tenant, started.execution_id, url), content_type="application/json")
    return answer_json(execution_json(started.row, [], read_clock(), url=url))


@describe(dict[str, Any], body=FORM, query=(LABELS, number("revision")), tag="Executions")
@access("EXECUTION", "CREATE")
def validate_inputs(request: Request, namespace: str, flow_id: str) -> HttpResponse:
    """What each input would be and what is wrong with it; starts nothing and never fails for a bad value."""
    inputs = check_inputs(request=_start_request(request, namespace, flow_id))
    return answer_json({"id": flow_id, "namespace": namespace, "inputs": inputs})


def execution_url(tenant: str, namespace: str, flow_id: str, execution_id: str) -> str:
    """Address of the execution's page."""
    return f"{settings.KESTRA_URL}/ui/{tenant}/executions/{namespace}/{flow_id}/{execution_id}"


def read_with_url(execution_id: str, url: str | None = None) -> dict[str, Any] | None:
    """The execution's JSON; None when there is none. Two queries."""
    row = find_execution(execution_id)
    if row is None:
        return None
    return execution_json(
        with_flow_outputs(row), with_outputs(execution_id, list_task_runs(execution_id).runs), read_clock(), url=url
    )


async def end_of(tenant: str, execution_id: str, url: str) -> AsyncIterator[bytes]:
    """The JSON of an execution, given when it has ended."""
    leave_request_thread()
    async with watching(tenant, execution_id) as watch:
        last: dict[str, Any] | None = None
        while True:
            found = await in_tenant(tenant, find_execution, execution_id)
            if found is None or State(found.state).ended:
                break
            await watch.wait()
        if found is not None:
            last = await in_tenant(tenant, read_with_url, execution_id, url)
    yield plain_json(last or {"message": f"Not Found: Execution {execution_id} was deleted while it was waited for"})


def _start_request(request: Request, namespace: str, flow_id: str) -> StartRequest:
    query = request.query_params
    given, files = read_inputs_sent(request)
    return StartRequest(
        namespace,
        flow_id,
        revision=query_number(query, "revision"),
        given=given,
        files=files,
        labels=read_labels(query),
        schedule_date=query_instant(query, "scheduleDate"),
    )


def read_inputs_sent(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """(values, files) by input id, of a form, a JSON object or an empty body. Invalid for another body."""
    data = request.data
    if isinstance(data, QueryDict):
        files = {
            name: file for name in request.FILES for file in request.FILES.getlist(name)[-1:] if name != FILES_PART
        }
        for file in request.FILES.getlist(FILES_PART):
            files[file.name or FILES_PART] = file
        return {name: data[name] for name in data if name not in request.FILES}, files
    if not data:
        return {}, {}
    if isinstance(data, Mapping):
        return {str(name): value for name, value in data.items()}, {}
    raise Invalid("The inputs must be a form with a part per input, or a JSON object.")
