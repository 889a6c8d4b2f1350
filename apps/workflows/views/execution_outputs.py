"""Outputs of an execution's task runs, their files looked into, and expressions tried with what a task run knew."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.downloads import download_answer
from apps.common.errors import IllegalArgument, NotFound
from apps.common.htmx import is_fragment
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can
from apps.storage.internal_storage import InvalidPath, execution_address, is_below, open_storage
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.task_tree import TreeRun, find_run, list_runs_with_outputs, read_run_outputs
from apps.workflows.services.debugging import eval_expression
from apps.workflows.services.file_previews import preview_file
from apps.workflows.views.execution_dialog import ask
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import check_readable, readable_execution
from apps.workflows.views.stored_values import show_outputs_of

MOST_COLUMNS: Final = 50
PREVIEW_ROWS: Final = 200
LONGEST_EXPRESSION: Final = 10_000


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_outputs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """Task runs that left outputs; `run` shows those of one."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    after = request.GET.get("after", "0")
    runs = list_runs_with_outputs(execution_id, after=int(after) if after.isdecimal() else 0, limit=100)
    run_id = request.GET.get("run", "")
    chosen = find_run(execution_id, run_id) if is_id(run_id) else None
    if run_id and chosen is None:
        raise NotFound(f"There is no task run {run_id[:40]} in this execution.")
    if chosen is None and runs:
        chosen = runs[0]
    held = None if chosen is None else read_run_outputs(execution_id, chosen.id)
    context = {
        **live,
        **execution_context(request, execution, tab="outputs"),
        "runs": runs[:100],
        "following": runs[99].seq if len(runs) > 100 else None,
        "chosen": chosen,
        "values": show_outputs_of(execution_id, held),
        "expression": "" if chosen is None else outputs_expression(chosen),
        "may_evaluate": can(current_user(request), "FLOW", "UPDATE", namespace),
    }
    template = "workflows/executions/_outputs.html" if is_fragment(request) else "workflows/executions/outputs.html"
    return render(request, template, context)


def outputs_expression(run: TreeRun) -> str:
    """How a task reads these outputs: {{ outputs.load }}, {{ outputs['load-all'] }}, {{ outputs.check['no'] }}."""
    name = f".{run.task_id}" if run.task_id.isidentifier() else f"[{_quoted(run.task_id)}]"
    return f"{{{{ outputs{name}{'' if run.value is None else f'[{_quoted(run.value)}]'} }}}}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_file(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """The beginning of the file `path`, as its kind is looked at; all of it with `download`."""
    row = readable_execution(request, namespace, flow_id, execution_id)
    address = _own_file(row, request.GET.get("path", ""))
    name = address.rsplit("/", 1)[-1]
    if "download" in request.GET:
        storage = open_storage()
        return download_answer(storage.open(address), size=storage.size(address), name=name)
    found, problem = None, ""
    try:
        found = preview_file(address, most_rows=PREVIEW_ROWS)
    except IllegalArgument as error:
        problem = error.message
    context: dict[str, Any] = {"name": name, "address": address, "preview": found, "problem": problem}
    if found is not None and found.type == "list":
        context |= {"columns": _columns(found.content), "rows": found.content}
    return ask(request, row, "file", context)


@access("FLOW", "UPDATE", namespace=IN_VIEW)
def evaluate(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """What the `expression` gives with the variables of the execution and, with `run`, of that task run."""
    check_readable(current_user(request), "EXECUTION", namespace, f"There is no execution {execution_id}.")
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    run_id = request.POST.get("run", "")
    expression = request.POST.get("expression", "")[:LONGEST_EXPRESSION]
    chosen = find_run(execution_id, run_id) if is_id(run_id) else None
    found = eval_expression(
        execution_id=execution_id, task_run_id=None if chosen is None else chosen.id, expression=expression
    )
    context = {
        **listen_from(request),
        **execution_context(request, execution, tab="outputs"),
        "evaluated": found,
        "expression": expression,
        "chosen": chosen,
    }
    return render(
        request,
        "workflows/executions/_evaluated.html" if is_fragment(request) else "workflows/executions/evaluated.html",
        context,
    )


def _own_file(row: ExecutionRow, address: str) -> str:
    try:
        own = is_below(address, execution_address(row.namespace, row.flow_id, row.id))
    except InvalidPath:
        own = False
    if not own:
        raise NotFound("There is no such file in this execution; a file of another execution is looked at there.")
    return address


def _columns(rows: list[Any]) -> list[str]:
    names: dict[str, None] = {}
    for one in rows:
        names |= dict.fromkeys(str(name) for name in one) if isinstance(one, dict) else {"value": None}
    return list(names)[:MOST_COLUMNS]
