"""Holding an execution, and letting a paused one go on with what its Pause task asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from apps.audit.services import Actor
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, Invalid, NotFound, Problem
from apps.encryption.services import encrypt, is_configured
from apps.workflows.dispatch import send_commands
from apps.workflows.engine.events import PauseRequested, ResumeRequested
from apps.workflows.plugin_api.inputs import FileInput
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import find_head
from apps.workflows.selectors.paused_runs import PausedRun, find_paused_run
from apps.workflows.services.acting import hold_execution, record_action
from apps.workflows.services.advance import step
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.execution_files import new_input_address, store_upload
from apps.workflows.services.handing_over import step_or_hand_over
from apps.workflows.services.input_renderer import FlowInputRenderer
from apps.workflows.services.inputs import Upload, read_inputs, validate_inputs

PAUSABLE: Final = (State.RUNNING, State.RETRYING)


@dataclass(frozen=True, slots=True)
class _Resumed:
    """What is resumed: a run of a Pause task, or (``run`` None) a person's hold, which asks for nothing."""

    namespace: str
    flow_id: str
    run: PausedRun | None
    inputs: tuple[Any, ...] = ()

    @property
    def run_id(self) -> str | None:
        return None if self.run is None else self.run.id


def pause_execution(*, acting_user: Actor | None, execution_id: str) -> None:
    """Hold a running execution: what is at work goes on to its end, nothing starts until it is resumed.

    NotFound; IllegalArgument when it does not run.
    """
    now, tenant = read_clock(), require_tenant()
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        if execution.state not in PAUSABLE:
            raise IllegalArgument(f"Execution is not running, can't pause it: it is {execution.state}")
        decision = step(tenant, locked, PauseRequested(), now)
        record_action(acting_user, execution, "pause")
        send_commands(execution_id, decision.commands)


def resume_execution(
    *,
    acting_user: Actor | None,
    execution_id: str,
    given: Mapping[str, Any] | None = None,
    files: Mapping[str, Upload] | None = None,
) -> None:
    """Let a paused execution go on: lift a person's hold, or else end its oldest pause with the inputs it asks for.

    NotFound; IllegalState when it is not paused; Invalid for the inputs, and it stays paused then.
    """
    asked = _find_resumed(execution_id)
    values = _read_inputs(execution_id, asked, given or {}, files or {})
    now = read_clock()
    with transaction.atomic():
        locked = hold_execution(execution_id)
        execution = locked.execution
        # Looked at again: the inputs were read for this pause, and another person may have been faster.
        if execution.state is not State.PAUSED or _find_run(execution_id, held=execution.hold) != asked.run:
            raise _not_paused(execution_id, execution.state)
        decision = step_or_hand_over(locked, ResumeRequested(asked.run_id, values), now)
        record_action(acting_user, execution, "resume", taskRunId=asked.run_id)
        send_commands(execution_id, decision.commands)


def check_resume_inputs(
    *, execution_id: str, given: Mapping[str, Any], files: Mapping[str, Upload]
) -> list[dict[str, Any]]:
    """What ``…/resume/validate`` answers for each input of the pause; stores nothing. NotFound; IllegalState."""
    asked = _find_resumed(execution_id)
    return validate_inputs(
        asked.inputs,
        given,
        files=files,
        renderer=FlowInputRenderer(asked.namespace, asked.flow_id),
        can_encrypt=is_configured(),
        file_address=lambda declared, upload: "",
    )


def list_resume_inputs(execution_id: str) -> Sequence[Any]:
    """The inputs that resuming asks for now, for a form. NotFound; IllegalState when it is not paused."""
    return _find_resumed(execution_id).inputs


def _find_resumed(execution_id: str) -> _Resumed:
    head = find_head(execution_id)
    if head is None:
        raise NotFound(f"Execution {execution_id} not found")
    if State(head.state) is not State.PAUSED:
        raise _not_paused(execution_id, State(head.state))
    run = _find_run(execution_id, held=None)
    if run is None:
        return _Resumed(head.namespace, head.flow_id, None)
    flow = load_flow(head.flow_ref, run.flow_revision, execution_id)
    frame = flow.compiled.task(run.task_id).frame
    inputs = frame.pause.on_resume if frame is not None and frame.pause is not None else ()
    return _Resumed(head.namespace, head.flow_id, run, inputs)


def _find_run(execution_id: str, *, held: bool | None) -> PausedRun | None:
    """The run that resuming is about; None for a hold. ``held`` None: as the row says."""
    found = find_paused_run(execution_id)
    is_held = (found is not None and found.hold) if held is None else held
    return None if is_held else found


def _read_inputs(
    execution_id: str, asked: _Resumed, given: Mapping[str, Any], files: Mapping[str, Upload]
) -> dict[str, Any]:
    def address(declared: FileInput, upload: Upload) -> str:
        return new_input_address(asked.namespace, asked.flow_id, execution_id, declared.id, declared.extension)

    read = read_inputs(
        asked.inputs,
        given,
        files=files,
        renderer=FlowInputRenderer(asked.namespace, asked.flow_id),
        encrypt=encrypt if is_configured() else None,
        file_address=address,
        store_file=store_upload,
    )
    if read.errors:
        raise Invalid(read.message, problems=[Problem(str(error), error.input_id) for error in read.errors])
    return read.values


def _not_paused(execution_id: str, state: State) -> IllegalState:
    return IllegalState(f"Execution {execution_id} is not paused, can't resume it: it is {state}")
