"""Running an execution again: from where it failed (restart), or all of it or from a task as a new one (replay)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import BadRequest, IllegalArgument, IllegalState, Invalid, NotFound, Problem
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.forms import Typed, build_fields, read_typed
from apps.workflows.plugin_api.inputs import Input
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.flows import FlowRow, list_revisions
from apps.workflows.selectors.task_tree import TreeRun, find_run, list_runs_in
from apps.workflows.services.definitions import FlowRevisionGone, load_flow
from apps.workflows.services.executions import StartRequest, check_inputs
from apps.workflows.services.restarting import GivenInputs, replay_execution, restart_execution
from apps.workflows.views.execution_dialog import ask, go_to
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.lookups import readable_execution

MOST_NAMED: Final = 10
"""Task runs that are named in a question."""
MOST_LOOKED_AT: Final = 200
MOST_REVISIONS: Final = 50
OTHER: Final = "other"
"""Of the field `inputs`: values are typed, and not those of the execution."""


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_restart(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """From which task runs it would go on, and on which revision."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    return ask(request, row, "restart", _restart_context(row))


@access("EXECUTION", "READ", namespace=IN_VIEW)
def restart(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Restarts it, on another `revision` as a new execution, and shows the one that runs then."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    revision = _revision(request.POST, row)
    try:
        fresh = restart_execution(
            acting_user=current_user(request),
            execution_id=execution_id,
            revision=None if revision == row.flow_revision else revision,
        )
    except (IllegalState, IllegalArgument, NotFound) as error:
        return ask(request, row, "restart", {**_restart_context(row), "refusal": error.message}, status=error.status)
    messages.success(request, "The execution goes on." if fresh == execution_id else "A new execution goes on from it.")
    return go_to(request, row, execution_id=fresh)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_replay(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """All of it, or from the task run `run` on; the revision; the same inputs, or others."""
    asked = _read_replay(request, namespace, flow_id, execution_id, request.GET)
    return _replay_form(request, asked, _prefilled(asked), show_errors=False)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def replay(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Replays it and shows the new execution; with problems the form again, all that was typed kept."""
    asked = _read_replay(request, namespace, flow_id, execution_id, request.POST)
    typed = read_typed(asked.declared, request.POST, request.FILES)
    try:
        fresh = replay_execution(
            acting_user=current_user(request),
            execution_id=execution_id,
            task_run_id=None if asked.run is None else asked.run.id,
            revision=asked.revision,
            inputs=GivenInputs(typed.given, typed.files) if asked.with_inputs else None,
        )
    except Invalid as error:
        return _replay_form(request, asked, typed, error.problems, show_errors=True, status=422)
    except (IllegalState, IllegalArgument, NotFound) as error:
        more = {"refusal": error.message}
        return _replay_form(request, asked, typed, more=more, show_errors=False, status=error.status)
    messages.success(request, "This is the replay: a new execution.")
    return go_to(request, asked.row, execution_id=fresh)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def refresh_replay_inputs(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The fields again, for what was typed so far and for the chosen revision."""
    asked = _read_replay(request, namespace, flow_id, execution_id, request.POST)
    typed = read_typed(asked.declared, request.POST)
    fields = _fields(asked, typed, show_errors=False)
    return render(
        request, "workflows/executions/_replay_inputs.html", {"fields": fields, "with_inputs": asked.with_inputs}
    )


@dataclass(frozen=True)
class _Asked:
    """What is to be replayed, how."""

    row: ExecutionRow
    run: TreeRun | None
    revision: int
    with_inputs: bool
    revisions: list[FlowRow]
    declared: Sequence[Input]
    unreadable: str

    @property
    def disabled(self) -> bool:
        """A disabled flow can be replayed as it was, its inputs cannot be asked for."""
        return any(one.disabled for one in self.revisions)


def _read_replay(request: HttpRequest, namespace: str, flow_id: str, execution_id: str, data: QueryDict) -> _Asked:
    row = readable_execution(request, namespace, flow_id, execution_id, action="CREATE")
    run_id = data.get("run", "")
    run = find_run(execution_id, run_id) if is_id(run_id) else None
    if run_id and run is None:
        raise NotFound(f"There is no task run {run_id[:40]} in this execution.")
    revision = _revision(data, row)
    revisions = _revisions(row)
    declared: Sequence[Input] = ()
    unreadable = ""
    try:
        declared = load_flow(row.flow_ref, revision).definition.inputs
    except (InvalidFlow, FlowRevisionGone) as error:
        unreadable = f"Revision {revision} of the flow cannot be read any more: {error}"
    return _Asked(row, run, revision, data.get("inputs") == OTHER, revisions, declared, unreadable)


def _prefilled(asked: _Asked) -> Typed:
    """The plain inputs of the execution, as if they had been typed. Secrets and files are given anew."""
    data = QueryDict(ExecutionView(asked.row).again_address("").removeprefix("?"))
    return read_typed(asked.declared, data, submitted=False)


def _fields(asked: _Asked, typed: Typed, problems: Sequence[Problem] = (), *, show_errors: bool) -> list[Any]:
    if asked.unreadable or asked.disabled or not asked.declared:
        return []
    wanted = StartRequest(asked.row.namespace, asked.row.flow_id, asked.revision, given=typed.given, files=typed.files)
    return build_fields(check_inputs(request=wanted), typed, problems, show_errors=show_errors)


def _replay_form(
    request: HttpRequest,
    asked: _Asked,
    typed: Typed,
    problems: Sequence[Problem] = (),
    *,
    show_errors: bool,
    more: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "run": asked.run,
        "revision": asked.revision,
        "revisions": asked.revisions,
        "with_inputs": asked.with_inputs,
        "fields": _fields(asked, typed, problems, show_errors=show_errors),
        "problem_count": len(problems),
        "lost_files": show_errors and bool(typed.files),
        "refusal": asked.unreadable,
        **(more or {}),
    }
    return ask(request, asked.row, "replay", context, status=status)


def _restart_context(row: ExecutionRow) -> dict[str, Any]:
    found = list_runs_in(row.id, [State.FAILED, State.PAUSED], limit=MOST_LOOKED_AT)
    above = {run.parent_id for run in found}  # what holds a task that failed only goes on
    runs = [run for run in found if run.id not in above]
    return {"runs": runs[:MOST_NAMED], "more_runs": len(runs) > MOST_NAMED, "revisions": _revisions(row)}


def _revisions(row: ExecutionRow) -> list[FlowRow]:
    """The newest, newest first; the execution's own is among them. Deleted flows have none."""
    found = [one for one in list_revisions(row.namespace, row.flow_id)[::-1] if one.flow_ref == row.flow_ref]
    return [one for place, one in enumerate(found) if place < MOST_REVISIONS or one.revision == row.flow_revision]


def _revision(data: QueryDict, row: ExecutionRow) -> int:
    text = data.get("revision", "")
    if text and not text.isdecimal():
        raise BadRequest(f"'revision' must be a number, not '{text[:20]}'.")
    return int(text) if text else row.flow_revision
