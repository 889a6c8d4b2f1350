"""Starting a flow by hand: the form of its inputs, as a dialog or a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, Invalid, Problem
from apps.common.htmx import is_fragment, redirect
from apps.common.pages import IN_VIEW
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.forms import LABELS, Typed, build_fields, read_typed
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.selectors.flows import FlowRow
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.executions import StartRequest, check_inputs, create_execution
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.lookups import check_readable, readable_flow


@access("EXECUTION", "CREATE", namespace=IN_VIEW)
def show_execute(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The empty form; `?inputs.<id>=…&labels=key:value` fills it."""
    flow = _startable(request, namespace, flow_id)
    try:
        declared = _declared(flow)
    except InvalidFlow as error:
        return _render(request, flow, {"refusal": f"This flow can no longer be read: {error.message}"})
    if flow.disabled:
        return _render(request, flow, {"refusal": "This flow is disabled. Enable it to start executions."})
    return _form(request, flow, declared, read_typed(declared, request.GET, submitted=False), show_errors=False)


@access("EXECUTION", "CREATE", namespace=IN_VIEW)
def start_execution(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponseBase:
    """Starts the flow and goes to the execution; with problems the form again, all that was typed kept."""
    flow = _startable(request, namespace, flow_id)
    declared = _declared(flow)
    typed = read_typed(declared, request.POST, request.FILES)
    problems: Sequence[Problem] = typed.problems
    if not problems:
        try:
            started = create_execution(acting_user=current_user(request), request=_start_request(flow, typed))
        except Invalid as error:
            problems = error.problems
        except IllegalArgument as error:
            problems = [Problem(error.message, LABELS)]
        except IllegalState as error:
            return _render(request, flow, {"refusal": error.message}, status=409)
        else:
            messages.success(request, f"Execution of {flow_id} started.")
            where = {"namespace": namespace, "flow_id": flow_id, "execution_id": started.execution_id}
            return redirect(request, reverse("ui:execution", kwargs={"tenant": require_tenant(), **where}))
    return _form(request, flow, declared, typed, problems, show_errors=True, status=422)


@access("EXECUTION", "CREATE", namespace=IN_VIEW)
def refresh_inputs(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The fields again, for what was typed so far: inputs may depend on one another."""
    flow = _startable(request, namespace, flow_id)
    typed = read_typed(_declared(flow), request.POST)
    checked = check_inputs(request=_start_request(flow, typed))
    fields = build_fields(checked, typed, show_errors=False)
    return render(request, "workflows/flows/_inputs.html", {"fields": fields})


def _startable(request: HttpRequest, namespace: str, flow_id: str) -> FlowRow:
    missing = f"There is no flow {namespace}.{flow_id}."
    check_readable(current_user(request), "EXECUTION", namespace, missing, "CREATE")
    return readable_flow(request, namespace, flow_id)


def _declared(flow: FlowRow) -> list[Input]:
    return list(load_flow(flow.flow_ref, flow.revision).definition.inputs)


def _start_request(flow: FlowRow, typed: Typed) -> StartRequest:
    return StartRequest(
        flow.namespace,
        flow.flow_id,
        given=typed.given,
        files=typed.files,
        labels=typed.labels,
        schedule_date=typed.schedule_date,
    )


def _form(
    request: HttpRequest,
    flow: FlowRow,
    declared: Sequence[Input],
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    show_errors: bool,
    status: int = 200,
) -> HttpResponse:
    fields = build_fields(check_inputs(request=_start_request(flow, typed)), typed, problems, show_errors=show_errors)
    named = {one.id for one in declared}
    context = {
        "refusal": "",
        "fields": fields,
        "depends": any(one.depends_on is not None or getattr(one, "expression", None) for one in declared),
        "labels_text": typed.labels_text,
        "schedule_text": typed.schedule_text,
        "label_errors": [problem.message for problem in problems if problem.path == LABELS and LABELS not in named],
        "schedule_errors": [problem.message for problem in problems if problem.path == "scheduleDate"],
        "problem_count": len(problems),
        "lost_files": show_errors and bool(typed.files),
    }
    return _render(request, flow, context, status)


def _render(request: HttpRequest, flow: FlowRow, context: dict[str, Any], status: int = 200) -> HttpResponse:
    template = "workflows/flows/_execute.html" if is_fragment(request) else "workflows/flows/execute.html"
    return render(request, template, {**flow_context(request, flow, tab=""), **context}, status=status)
