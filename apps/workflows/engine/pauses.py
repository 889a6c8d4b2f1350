"""Pauses: a Pause task waits for a person or a time; a person may hold the whole execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.workflows.engine.backlog import queue_backlog, tell_waiting
from apps.workflows.engine.compiled_flow import CompiledFrame
from apps.workflows.engine.end_state import softened
from apps.workflows.engine.endings import end_unsent, put_end
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import WATCH_EVERY, Step
from apps.workflows.plugin_api.frame import PauseSpec
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level


def begin_pause(step: Step, run: RunRow, shape: CompiledFrame) -> None:
    """The run of a Pause task, just RUNNING, pauses itself and the execution."""
    spec = shape.pause or PauseSpec()
    kind, length = ("delay", spec.delay) if spec.delay is not None else ("pause_timeout", spec.timeout)
    if length is not None:
        try:
            due = step.now + step.duration(length, run)
        except RenderFailed as error:
            run.cursor = None
            end_unsent(step, run, str(error))
            return
        run.nudged_at = due
        step.set_timer(kind, run.id, due)
    run.enter(State.PAUSED, step.now)
    if not step.in_listeners(run):
        step.execution.paused += 1
        step.touch(step.execution)
        step.enter(State.PAUSED)


def pause_due(step: Step, run: RunRow) -> None:
    """The delay of a Pause is over: it goes on."""
    if run.state is State.PAUSED:
        _leave_pause(step, run, None)


def pause_timed_out(step: Step, run: RunRow) -> None:
    """Nobody resumed a Pause in time: it fails; its tasks never run."""
    if run.state is not State.PAUSED:
        return
    step.log(Level.ERROR, run, f"Timeout: nobody resumed task `{run.task_id}` in time")
    put_end(step, run, softened(step.task_of(run).task, State.FAILED), step.now)
    _one_less(step, run)


def hold(step: Step) -> None:
    """A person holds a running execution: what is at work goes on to its end, nothing starts."""
    if step.execution.state not in (State.RUNNING, State.RETRYING):
        return
    step.execution.hold = True
    step.enter(State.PAUSED)


def resume(step: Step, run_id: str | None, inputs: Mapping[str, Any]) -> None:
    """A person lets a paused run go on (the first one when none is named), or lifts their own hold."""
    execution = step.execution
    if execution.state is State.PAUSED:
        step.set_timer("watch", "", step.now + WATCH_EVERY)
    if execution.hold and run_id is None:
        execution.hold = False
        step.touch(execution)
        if execution.paused == 0:
            step.enter(State.RUNNING)
            queue_backlog(step)
            tell_waiting(step, step.now)
        return
    if run_id is not None:
        run = step.runs.get(run_id)
    else:
        found = step.ports.look.first_paused()
        run = step.adopt([found])[0] if found is not None else None
    if run is not None and run.state is State.PAUSED:
        _leave_pause(step, run, inputs)


def _leave_pause(step: Step, run: RunRow, inputs: Mapping[str, Any] | None) -> None:
    if inputs is not None:
        run.outputs = {"onResume": dict(inputs)}
    run.enter(State.RUNNING, step.now)
    run.nudged_at = None
    step.touch(run)
    step.push(run)
    _one_less(step, run)


def _one_less(step: Step, run: RunRow) -> None:
    for kind in ("delay", "pause_timeout"):
        step.drop_timer(kind, run.id)
    execution = step.execution
    if step.in_listeners(run):
        return
    execution.paused = max(execution.paused - 1, 0)
    step.touch(execution)
    if execution.paused == 0 and not execution.hold and execution.state is State.PAUSED:
        step.enter(State.RESTARTED)
        step.enter(State.RUNNING)
        queue_backlog(step)
