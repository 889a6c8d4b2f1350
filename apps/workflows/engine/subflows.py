"""Subflows: a task run waits for the execution it started; its id is derived, so starting it twice is harmless."""

from __future__ import annotations

from apps.common.ids import derived_id
from apps.workflows.engine.batches import begin_batches, executable, start_missing_batches, take_ended
from apps.workflows.engine.claims import waited_for, waiting_token
from apps.workflows.engine.commands import StartExecution
from apps.workflows.engine.endings import open_attempt
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.leaves import end_leaf
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask, Level

PASSED_UP = frozenset({State.FAILED, State.KILLED, State.WARNING})
"""End states of a subflow that its task run takes over; all others are SUCCESS to it."""


def send_executable(step: Step, run: RunRow, task: ExecutableTask) -> None:
    """Ask for the execution, or for one per batch."""
    run.enter(State.RUNNING, step.now)
    run.nudged_at = step.now
    step.touch(run)
    if task.batches() is not None:
        begin_batches(step, run, task)
        return
    child_id = derived_id("subflow", run.id, len(run.attempts))
    run.token = waiting_token(child_id)
    step.command(StartExecution(run.id, child_id, run.token))


def children_ended(step: Step, run: RunRow) -> None:
    """Something this run started has ended: look, and take note even if nobody waits for it any more."""
    task = executable(step, run)
    if run.cursor is not None and run.state is State.RUNNING:
        step.push(run)
    elif task.batches() is not None:
        take_ended(step, run, task)
    else:
        _take_ended_child(step, run, task)


def start_accepted(step: Step, run: RunRow, token: str) -> None:
    """The execution exists: enough for a task that does not wait."""
    if run.state is not State.RUNNING or run.token != token or executable(step, run).wait:
        return
    if run.cursor is not None:
        step.push(run)
    else:
        _end_with_child(step, run, waited_for(token), State.SUCCESS)


def start_refused(step: Step, run: RunRow, token: str, message: str) -> None:
    """The execution cannot be created: the try fails."""
    if run.state is not State.RUNNING or run.token != token:
        return
    step.log(Level.ERROR, run, message)
    run.cursor = None
    open_attempt(run, run.histories[-1].date)
    end_leaf(step, run, State.FAILED, step.now)


def look_again(step: Step, run: RunRow, task: ExecutableTask) -> None:
    """A message about this run's subflows may be lost: look for ends, ask again for what does not exist."""
    run.nudged_at = step.now
    step.touch(run)
    if run.cursor is not None:
        start_missing_batches(step, run)
        step.push(run)
        return
    _take_ended_child(step, run, task)
    if run.state is State.RUNNING and run.token is not None:
        step.command(StartExecution(run.id, waited_for(run.token), run.token))


def _take_ended_child(step: Step, run: RunRow, task: ExecutableTask) -> None:
    for child in step.ports.look.ended_children(run, step.ports.slice):
        step.decision.told.append(child.id)
        if task.wait and run.state is State.RUNNING and child.id == waited_for(run.token):
            passed = child.state if task.transmit_failed and child.state in PASSED_UP else State.SUCCESS
            _end_with_child(step, run, child.id, passed)


def _end_with_child(step: Step, run: RunRow, child_id: str, state: State) -> None:
    try:
        run.outputs = step.ports.render.child_outputs(run, child_id)
    except RenderFailed as error:
        step.log(Level.ERROR, run, str(error))
        run.outputs = error.outputs
        state = State.FAILED
    open_attempt(run, run.histories[-1].date)
    end_leaf(step, run, state, step.now)
