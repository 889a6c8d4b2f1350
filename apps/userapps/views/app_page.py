"""An App's page: the form, what happens, the decision, the result. The same address for everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.common.access import public
from apps.common.display import zone_name
from apps.common.errors import IllegalArgument, IllegalState, Invalid, NotFound, Problem, ProductError, TooManyRequests
from apps.userapps.forms import Step, asked, questions, steps_of
from apps.userapps.models import Verdict
from apps.userapps.selectors import find_brand, find_run
from apps.userapps.services.admission import check_admission
from apps.userapps.services.pages import AppPage, open_page
from apps.userapps.services.running import decide, submit
from apps.userapps.services.statistics import count_opened
from apps.userapps.services.tickets import Dispatch, TicketExpired, read_dispatch, sign_dispatch
from apps.userapps.views.sections import sections_of
from apps.userapps.views.visit import Visit, app_url, guarded, secure, visit
from apps.workflows.forms import Typed, build_fields, read_typed
from apps.workflows.plugin_api.app_block import AppEvent
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.selectors.paused_runs import pause_deadlines
from apps.workflows.services.executions import list_inputs
from apps.workflows.services.pausing import list_resume_inputs

FORMS: Final = ("create_form", "resume_form")
NOTHING_TYPED: Final = Typed({}, {}, [], None, ())
VERDICTS: Final = {"resume": Verdict.RESUMED, "cancel": Verdict.CANCELLED}


@public
@guarded
def show_app(request: HttpRequest, uid: str) -> HttpResponse:
    """The page now. `exec` names an execution; `inputs.<id>` prefill the form; `part=layout` gives the blocks alone."""
    found = visit(request, uid)
    typed = NOTHING_TYPED
    if found.execution_id is None:
        typed = read_typed(declared_inputs(found, AppEvent.OPEN), request.GET, zone=zone_name(), submitted=False)
        if request.method == "GET":
            count_opened(found.app)
    return _show(found, typed)


@public
@guarded
def act(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A form was sent: starts, resumes or cancels, then leads to the page of the execution. With mistakes the form
    again, all that was typed kept."""
    found = visit(request, uid, action="UPDATE")
    dispatch = read_dispatch(request.POST.get("dispatch", ""), app_key=found.app.pk, user_id=found.visitor.user_id)
    found = replace(found, execution_id=dispatch.execution_id or None)  # the ticket says what the form is about
    action = request.POST.get("action", "create")
    typed = read_typed(declared_inputs(found, dispatch.event), request.POST, request.FILES, zone=zone_name())
    if typed.problems and action != "cancel":
        return _show(found, typed, typed.problems, status=422)
    try:
        execution_id = _carry_out(found, dispatch, action, typed)
    except Invalid as error:
        return _show(found, typed, error.problems, status=422)
    except (IllegalState, IllegalArgument, TooManyRequests) as error:
        if isinstance(error, TicketExpired):
            raise
        return _show(found, typed, notice=error.message, status=error.status)
    return HttpResponseRedirect(found.address(execution_id), status=303)


@public
@guarded
def refresh_fields(request: HttpRequest, uid: str) -> HttpResponse:
    """The form's fields again, for what was typed so far: inputs may depend on one another."""
    found = visit(request, uid)
    event = AppEvent.OPEN if found.execution_id is None else AppEvent.PAUSE
    typed = read_typed(declared_inputs(found, event), request.POST, zone=zone_name())
    page = _page_of(found, typed)
    steps = next((one for kind, one in _steps(page, typed, (), show_errors=False).items() if kind in FORMS), [])
    return render(request, "userapps/_fields.html", {"steps": steps, "zone": zone_name()})


def declared_inputs(found: Visit, event: AppEvent) -> Sequence[Input]:
    """The inputs that the form of an event asks for; none when there is no form."""
    try:
        if event is AppEvent.OPEN and found.definition.flow_id is not None:
            return list_inputs(found.app.namespace, found.definition.flow_id, found.definition.flow_revision)
        if event is AppEvent.PAUSE and found.execution_id is not None:
            return list_resume_inputs(found.execution_id)
    except (NotFound, IllegalState):
        return ()  # the block says what is wrong
    return ()


def _carry_out(found: Visit, dispatch: Dispatch, action: str, typed: Typed) -> str:
    if action == "create":
        return submit(
            app=found.app,
            definition=found.definition,
            dispatch=dispatch,
            visitor=found.visitor,
            given=typed.given,
            files=typed.files,
        )
    verdict = VERDICTS.get(action)
    if verdict is None:
        raise IllegalArgument(f"There is no action '{action[:40]}'.")
    decide(
        app=found.app,
        dispatch=dispatch,
        visitor=found.visitor,
        verdict=verdict,
        given=typed.given,
        files=typed.files,
        comment=found.request.POST.get("comment", "").strip(),
    )
    return dispatch.execution_id


def _page_of(found: Visit, typed: Typed) -> AppPage:
    return open_page(
        found.app,
        found.definition,
        execution_id=found.execution_id,
        url=app_url(found.app),
        given=typed.given,
    )


def _show(
    found: Visit,
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    notice: str = "",
    status: int = 200,
) -> HttpResponse:
    request = found.request
    page = _page_of(found, typed)
    execution_id = None if page.execution is None else page.execution.id
    dispatch = sign_dispatch(found.app.pk, page.event, execution_id or "", found.visitor.user_id)
    steps = _steps(page, typed, problems, show_errors=bool(problems))
    wrong = [field for held in steps.values() for step in held for field in step.fields if field.errors]
    declared = declared_inputs(found, page.event) if any(page.has(kind) for kind in FORMS) else ()
    context: dict[str, Any] = {
        "visit": found,
        "page": page,
        "app": found.app,
        "brand": find_brand(),
        "embedded": found.embedded,
        "theme": found.theme,
        "parent": found.parent,
        "dispatch": dispatch,
        "sections": sections_of(page.blocks),
        "steps_of": steps,
        "zone": zone_name(),
        "wrong": wrong,
        "problem_count": len(wrong) or len(problems),
        "lost_files": bool(problems) and bool(typed.files),
        "notice": notice,
        "depends": any(one.depends_on is not None or getattr(one, "expression", None) for one in declared),
        "may_act": _may_act(found),
        "run": None if execution_id is None else find_run(execution_id),
        "here": found.address(execution_id),
        "comment": request.POST.get("comment", ""),
        **_decision(found, page),
    }
    template = "userapps/_layout.html" if request.GET.get("part") == "layout" else "userapps/page.html"
    response = render(request, template, context, status=status)
    shown = [text for block in page.blocks for name, text in block.texts.items() if name in {"url", "content"}]
    return secure(response, request, found.app, shown)


def _may_act(found: Visit) -> bool:
    """Whether this person's forms would be taken; who may only look sees them disabled."""
    if found.app.is_public:
        return True
    try:
        check_admission(found.app, found.request.user, action="UPDATE")
    except ProductError:
        return False
    return True


def _decision(found: Visit, page: AppPage) -> dict[str, Any]:
    """What the head of an approval says: since when it waits and until when, or who decided. A visitor of a PUBLIC App
    is told no names."""
    waits = page.execution is not None and page.event is AppEvent.PAUSE
    deadline = None
    if waits and page.execution is not None:
        deadline = pause_deadlines([page.execution.id]).get(page.execution.id)
    decision = None if waits else page.decision
    return {"waits": waits, "deadline": deadline, "decision": decision, "names": found.visitor.person is not None}


def _steps(page: AppPage, typed: Typed, problems: Sequence[Problem], *, show_errors: bool) -> Mapping[str, list[Step]]:
    """The questions of each form on the page, by the kind of its block."""
    found = {}
    for block in page.blocks:
        if block.kind in FORMS and not block.problem:
            data = asked(block.data, show_errors=show_errors)
            fields = build_fields(data, typed, problems, show_errors=show_errors, zone=zone_name())
            declared = {item["input"]["id"]: item["input"] for item in block.data}
            found[block.kind] = steps_of(questions(fields, declared))
    return found
