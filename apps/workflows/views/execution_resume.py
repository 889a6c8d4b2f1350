"""Letting a paused execution go on, with the inputs its pause asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalState, Invalid, Problem
from apps.common.pages import IN_VIEW
from apps.timers.selectors import find_due_date
from apps.workflows.forms import Typed, build_fields, read_typed
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.paused_runs import find_paused_run
from apps.workflows.services.advance import timer_key
from apps.workflows.services.pausing import check_resume_inputs, list_resume_inputs, resume_execution
from apps.workflows.views.execution_dialog import ask, go_to
from apps.workflows.views.lookups import readable_execution

DEADLINES: Final = {"delay": "goes on by itself", "pause_timeout": "fails when nobody has resumed it"}


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_resume(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The form of the pause's inputs, with its deadline."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    try:
        declared = list_resume_inputs(execution_id)
        return _form(request, row, declared, read_typed(declared, request.GET, submitted=False), show_errors=False)
    except IllegalState as error:
        return ask(request, row, "resume", {"refusal": error.message})


@access("EXECUTION", "READ", namespace=IN_VIEW)
def resume(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Resumes it and shows its page; with problems the form again, all that was typed kept."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    try:
        declared = list_resume_inputs(execution_id)
        typed = read_typed(declared, request.POST, request.FILES)
        try:
            resume_execution(
                acting_user=current_user(request), execution_id=execution_id, given=typed.given, files=typed.files
            )
        except Invalid as error:
            return _form(request, row, declared, typed, error.problems, show_errors=True, status=422)
        messages.success(request, "The execution goes on.")
    except IllegalState as error:
        messages.warning(request, error.message)
    return go_to(request, row)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def refresh_resume_inputs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The fields again, for what was typed so far. IllegalState when it is not paused any more."""
    readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    typed = read_typed(list_resume_inputs(execution_id), request.POST)
    checked = check_resume_inputs(execution_id=execution_id, given=typed.given, files={})
    return render(request, "workflows/flows/_inputs.html", {"fields": build_fields(checked, typed, show_errors=False)})


def _form(
    request: HttpRequest,
    row: ExecutionRow,
    declared: Sequence[Input],
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    show_errors: bool,
    status: int = 200,
) -> HttpResponse:
    checked = check_resume_inputs(execution_id=row.id, given=typed.given, files=typed.files)
    found = find_paused_run(row.id)
    run = None if found is None or found.hold else found
    key = timer_key(row.id, "" if run is None else run.id)
    due = None if run is None else find_due_date(require_tenant(), DEADLINES, key)
    context = {
        "run": run,
        "deadline": due[1] if due else None,
        "at_deadline": DEADLINES[due[0]] if due else "",
        "depends": any(one.depends_on is not None or getattr(one, "expression", None) for one in declared),
        "fields": build_fields(checked, typed, problems, show_errors=show_errors),
        "problem_count": len(problems),
        "lost_files": show_errors and bool(typed.files),
    }
    return ask(request, row, "resume", context, status=status)
