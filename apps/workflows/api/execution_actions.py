"""What a person does to one execution: hold, resume, restart, replay, change its state or labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag, query_number, read_body, required_query
from apps.common.errors import BadRequest, Invalid, NotFound
from apps.common.json_values import Shape
from apps.workflows.api.describe import FORM, NOTHING, describe, flag, number, text
from apps.workflows.api.execution_start import read_inputs_sent, read_with_url
from apps.workflows.api.reading import answer_json, get_head
from apps.workflows.plugin_api.state import State
from apps.workflows.schemas.executions import ExecutionShape, LabelShape
from apps.workflows.services.execution_changes import (
    change_execution_status,
    set_labels,
    unqueue_execution,
)
from apps.workflows.services.execution_changes import force_run as force_execution
from apps.workflows.services.pausing import check_resume_inputs, pause_execution, resume_execution
from apps.workflows.services.restarting import (
    GivenInputs,
    change_task_run_state,
    replay_execution,
    restart_execution,
)

TAG: Final = "Executions"
REVISION: Final = number("revision", "Of the flow.")


class StateRequest(Shape):
    """Which task run gets which state."""

    task_run_id: str
    state: State


@describe(ExecutionShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def pause(request: Request, execution_id: str) -> HttpResponse:
    """Hold a running execution: its running tasks end, nothing new starts until it is resumed."""
    get_head(request, execution_id, action="UPDATE")
    return _done(lambda: pause_execution(acting_user=request.user, execution_id=execution_id), execution_id)


@describe(NOTHING, body=FORM, tag=TAG)
@access("EXECUTION", "UPDATE")
def resume(request: Request, execution_id: str) -> None:
    """Let a paused execution go on. What its Pause task asks for comes as a form, or as a JSON object."""
    get_head(request, execution_id, action="UPDATE")
    given, files = read_inputs_sent(request)
    resume_execution(acting_user=request.user, execution_id=execution_id, given=given, files=files)


@describe(dict[str, Any], body=FORM, tag=TAG)
@access("EXECUTION", "UPDATE")
def validate_resume(request: Request, execution_id: str) -> HttpResponse:
    """What each input of the pause would be and what is wrong with it; resumes nothing."""
    head = get_head(request, execution_id, action="UPDATE")
    given, files = read_inputs_sent(request)
    inputs = check_resume_inputs(execution_id=execution_id, given=given, files=files)
    return answer_json({"id": head.flow_id, "namespace": head.namespace, "inputs": inputs})


@describe(ExecutionShape, query=(REVISION,), tag=TAG)
@access("EXECUTION", "UPDATE")
def restart(request: Request, execution_id: str) -> HttpResponse:
    """Let an execution go on where it failed; with `revision` a new execution does, on that revision."""
    get_head(request, execution_id, action="UPDATE")
    revision = query_number(request.query_params, "revision")
    return _done(lambda: restart_execution(acting_user=request.user, execution_id=execution_id, revision=revision))


REPLAY: Final = (
    text("taskRunId", "Run again from this task run on; all of it when not given."),
    number("revision", "Of the flow; the execution's own when not given."),
    flag("latestRevision", "On the newest revision."),
)


@describe(ExecutionShape, query=REPLAY, tag=TAG)
@access("EXECUTION", "CREATE")
def replay(request: Request, execution_id: str) -> HttpResponse:
    """Run it again as a new execution, all of it or from a task run on."""
    return _replay(request, execution_id, None)


@describe(ExecutionShape, body=FORM, query=REPLAY, tag=TAG)
@access("EXECUTION", "CREATE")
def replay_with_inputs(request: Request, execution_id: str) -> HttpResponse:
    """The same with other inputs, sent as a start's inputs are."""
    return _replay(request, execution_id, GivenInputs(*read_inputs_sent(request)))


def _replay(request: Request, execution_id: str, inputs: GivenInputs | None) -> HttpResponse:
    get_head(request, execution_id, action="CREATE")
    query = request.query_params
    return _done(
        lambda: replay_execution(
            acting_user=request.user,
            execution_id=execution_id,
            task_run_id=query.get("taskRunId") or None,
            revision=query_number(query, "revision"),
            latest=query_flag(query, "latestRevision"),
            inputs=inputs,
        )
    )


@describe(ExecutionShape, body=StateRequest, tag=TAG)
@access("EXECUTION", "UPDATE")
def change_state(request: Request, execution_id: str) -> HttpResponse:
    """Give a task run another end state, and let the execution go on from there."""
    get_head(request, execution_id, action="UPDATE")
    asked = read_body(request, StateRequest)
    return _done(
        lambda: change_task_run_state(
            acting_user=request.user,
            execution_id=execution_id,
            task_run_id=asked.task_run_id,
            state=asked.state,
        ),
        execution_id,
    )


@describe(ExecutionShape, query=(text("status", "An end state.", required=True),), tag=TAG)
@access("EXECUTION", "UPDATE")
def change_status(request: Request, execution_id: str) -> HttpResponse:
    """Give an ended execution another end state; nothing runs."""
    get_head(request, execution_id, action="UPDATE")
    state = read_state(request, "status")
    return _done(
        lambda: change_execution_status(acting_user=request.user, execution_id=execution_id, state=state),
        execution_id,
    )


@describe(ExecutionShape, body=list[LabelShape], tag=TAG)
@access("EXECUTION", "UPDATE")
def change_labels(request: Request, execution_id: str) -> HttpResponse:
    """Make these the labels of an execution that has ended; only those of the product stay without being named."""
    get_head(request, execution_id, action="UPDATE")
    labels = read_label_list(request.data)
    return _done(lambda: set_labels(acting_user=request.user, execution_id=execution_id, labels=labels), execution_id)


@describe(ExecutionShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def force_run(request: Request, execution_id: str) -> HttpResponse:
    """Let it run whatever it waits for: its date, a place of the flow's limit, a pause."""
    get_head(request, execution_id, action="UPDATE")
    return _done(lambda: force_execution(acting_user=request.user, execution_id=execution_id), execution_id)


@describe(ExecutionShape, tag=TAG)
@access("EXECUTION", "UPDATE")
def unqueue(request: Request, execution_id: str) -> HttpResponse:
    """Let a queued execution run without a place of the flow's limit."""
    get_head(request, execution_id, action="UPDATE")
    return _done(lambda: unqueue_execution(acting_user=request.user, execution_id=execution_id), execution_id)


def read_state(request: Request, name: str) -> State:
    """A state of the query string. BadRequest."""
    word = required_query(request.query_params, name)
    if word not in State.__members__:
        raise BadRequest(f"'{name}' must be one of {', '.join(State)}, not '{word[:20]}'.")
    return State(word)


def read_label_list(value: Any) -> list[tuple[str, str]]:
    """Labels as a list of key and value, or as a map. Invalid."""
    if isinstance(value, dict):
        value = [{"key": key, "value": item} for key, item in value.items()]
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and isinstance(one.get("key"), str) and isinstance(one.get("value"), str) for one in value
    ):
        raise Invalid('The labels must be a JSON list: [{"key": "…", "value": "…"}].')
    return [(one["key"], one["value"]) for one in value]


def _done(act: Callable[[], str | None], execution_id: str = "") -> HttpResponse:
    """Act, and answer the execution as the action left it: read before the commit, since then others go on with it."""
    with transaction.atomic():
        acted = act() or execution_id
        body = read_with_url(acted)
    if body is None:
        raise NotFound(f"Execution {acted} not found")
    return answer_json(body)
