"""Endings: what is done when a leaf, or the execution, comes to its end."""

from __future__ import annotations

from datetime import datetime

from apps.workflows.engine.commands import AnnounceEnd
from apps.workflows.engine.cursor import LISTENERS, Cursor
from apps.workflows.engine.end_state import softened
from apps.workflows.engine.frontier import NOT_LOADED, Attempt, Change, RunRow
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import WATCH_EVERY, Step
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level


def close_attempt(run: RunRow, state: State, ended: datetime) -> None:
    """Close the last try, if it is open."""
    if run.attempts and not run.attempts[-1].state.ended:
        run.attempts[-1].histories.append(Change(state, ended))


def open_attempt(run: RunRow, started: datetime) -> None:
    """Begin a try."""
    run.attempts.append(Attempt([Change(State.CREATED, started), Change(State.RUNNING, started)]))


def put_end(step: Step, run: RunRow, state: State, ended: datetime) -> None:
    """The run has ended for good as ``state``; its frame will hear of it."""
    run.enter(state, ended)
    run.token = None
    run.nudged_at = None
    step.touch(run)
    step.push(run)


def end_unsent(step: Step, run: RunRow, message: str, level: Level = Level.ERROR) -> None:
    """The run fails before anybody could run it: no try, no retry."""
    step.log(level, run, message)
    put_end(step, run, softened(step.task_of(run).task, State.FAILED), step.now)


def end_root(step: Step, state: State) -> None:
    """All tasks of the execution have ended: render its outputs, set its state."""
    execution = step.execution
    if step.flow.flow.outputs:
        try:
            execution.outputs = step.ports.render.flow_outputs()
        except RenderFailed as error:
            execution.outputs = NOT_LOADED
            step.log(Level.ERROR, None, str(error))
            state = State.FAILED
    end_execution(step, state)


def end_execution(step: Step, state: State) -> None:
    """Set the end state, give back the slot, tell who waits. Open runs and listeners are seen to by the caller."""
    execution = step.execution
    execution.paused = 0
    execution.hold = False
    execution.pending = False
    step.enter(state)
    step.command(AnnounceEnd(slot_freed=execution.slot))
    execution.slot = False
    for number, sla in enumerate(step.flow.flow.sla):
        if sla.type == "MAX_DURATION":
            step.drop_timer("sla", str(number))


def after_end(step: Step) -> bool:
    """Nothing of an ended execution is open any more: begin its listeners, once; without any (False) the watch ends."""
    execution = step.execution
    if not step.flow.root.listeners:
        step.drop_timer("watch")
        return False
    if execution.cursor is None:
        execution.cursor = Cursor()
    if execution.cursor.branch != LISTENERS:
        execution.cursor.branch = LISTENERS
        # Errors runs that a kill swept were not folded; from now on only listeners are counted.
        execution.cursor.enext = execution.cursor.eopen = 0
        step.touch(execution)
        step.push(execution)
        step.set_timer("watch", "", step.now + WATCH_EVERY)
    return True
