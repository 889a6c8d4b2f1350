"""Another state for an execution or one of its task runs, each with what it brings about."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import BadRequest, NotFound
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.task_tree import TreeRun, find_run
from apps.workflows.services.execution_changes import change_execution_status
from apps.workflows.services.restarting import change_task_run_state
from apps.workflows.views.execution_dialog import ask, do
from apps.workflows.views.lookups import readable_execution

Targets = tuple[tuple[State, str], ...]
EXECUTION_TARGETS: Final[Targets] = (
    (State.SUCCESS, "It counts as done well. No task runs."),
    (State.WARNING, "It counts as done, with a warning. No task runs."),
    (State.FAILED, "It counts as failed, and can be restarted if a task of it failed. No task runs."),
    (State.KILLED, "It counts as killed. No task runs."),
    (State.CANCELLED, "It counts as cancelled. No task runs."),
)
TASK_TARGETS: Final[Targets] = (
    (State.SUCCESS, "The execution goes on after it, as if it had succeeded. It gets no outputs it does not have."),
    (State.WARNING, "The execution goes on after it, and can end with a warning at best."),
    (State.FAILED, "The execution goes on as after a failure: error handlers run, then it fails."),
    (State.CANCELLED, "The execution goes on after it; the task counts as cancelled, which is no failure."),
)
PAUSE_TARGETS: Final[Targets] = (
    (State.FAILED, "The pause ends in failure: error handlers run, then the execution fails."),
    (State.CANCELLED, "The pause ends without what it guards, and the execution goes on after it."),
)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_state(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The states that are possible, each with its consequence; with `run` those of a task run."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    run = _run(request.GET, execution_id)
    state = State(row.state)
    refusal = ""
    if not state.ended and (run is None or state is not State.PAUSED):
        refusal = f"The execution is {state}. Its state can be changed when it has ended."
    context = {"run": run, "targets": _targets(row.state, run), "refusal": refusal}
    return ask(request, row, "state", context)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def change_state(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Changes it and shows the execution."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    run = _run(request.POST, execution_id)
    word = request.POST.get("state", "")
    state = next((target for target, _ in _targets(row.state, run) if target == word), None)
    if state is None:
        raise BadRequest(f"'{word[:20]}' is none of the states that are possible here. Choose one of the form.")
    user = current_user(request)
    if run is None:
        return do(
            request,
            row,
            lambda: change_execution_status(acting_user=user, execution_id=execution_id, state=state),
            f"The execution is {state} now.",
        )
    return do(
        request,
        row,
        lambda: change_task_run_state(acting_user=user, execution_id=execution_id, task_run_id=run.id, state=state),
        f"{run.task_id} is {state} now, and the execution goes on from it.",
    )


def _run(data: QueryDict, execution_id: str) -> TreeRun | None:
    run_id = data.get("run", "")
    if not run_id:
        return None
    found = find_run(execution_id, run_id) if is_id(run_id) else None
    if found is None:
        raise NotFound(f"There is no task run {run_id[:40]} in this execution.")
    return found


def _targets(state: str, run: TreeRun | None) -> Targets:
    if run is None:
        return tuple(target for target in EXECUTION_TARGETS if target[0] != state)
    targets = PAUSE_TARGETS if run.state == State.PAUSED else TASK_TARGETS
    return tuple(target for target in targets if target[0] != run.state)
