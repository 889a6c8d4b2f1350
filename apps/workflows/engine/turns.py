"""Turns: a WaitFor runs its list again, after an interval, until its condition holds or a limit is reached."""

from __future__ import annotations

from typing import Final

from apps.workflows.engine.compiled_flow import CompiledFrame
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.frame import RepeatSpec
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level

IN_INTERVAL: Final = 1
"""``Cursor.wait`` between two turns."""
FAILED_AT_LIMIT: Final = 2
"""``Cursor.wait`` when no turn follows and the task fails."""


def next_turn(step: Step, run: RunRow, cursor: Cursor, shape: CompiledFrame) -> bool:
    """A turn has ended. True when another one follows; else the frame may end."""
    repeat = shape.repeat
    if repeat is None:
        raise LookupError(f"Task {run.task_id} repeats its list, but does not say until when")
    run.outputs = {"iterationCount": cursor.it}
    step.touch(run)
    if cursor.warn or cursor.fail or cursor.kill:
        return False
    try:
        if step.ports.render.condition(repeat.condition, run):
            return False
        limit = _limit_reached(step, run, cursor, repeat)
        if limit is None:
            due = step.now + step.duration(repeat.interval, run)
    except RenderFailed as error:
        step.log(Level.ERROR, run, str(error))
        cursor.wait = FAILED_AT_LIMIT
        return False
    if limit is not None:
        step.log(Level.WARN, run, limit)
        cursor.wait = FAILED_AT_LIMIT if repeat.fail_on_max else 0
        return False
    cursor.wait = IN_INTERVAL
    run.nudged_at = due
    step.set_timer("loop", run.id, due)
    return True


def turn_due(step: Step, run: RunRow) -> None:
    """The interval is over: the runs of the last turn make place for those of the next."""
    if run.state is not State.RUNNING or run.cursor is None or run.cursor.wait != IN_INTERVAL:
        return
    cursor = run.cursor
    cursor.wait = 0
    cursor.it += 1
    cursor.ok = cursor.warn = cursor.next = 0
    # A surgery's leftovers are among the runs that are deleted.
    cursor.adopt = -1
    run.outputs = {"iterationCount": cursor.it}
    run.nudged_at = None
    step.empty(run)
    step.touch(run)
    step.push(run)


def _limit_reached(step: Step, run: RunRow, cursor: Cursor, repeat: RepeatSpec) -> str | None:
    if repeat.max_iterations is not None:
        most = repeat.max_iterations
        if isinstance(most, str):
            try:
                most = int(step.ports.render(most, run))
            except ValueError as error:
                raise RenderFailed(f"`maxIterations` of task `{run.task_id}` is no number: {error}") from error
        if cursor.it >= most:
            return "Max iterations reached"
    if repeat.max_duration is not None:
        started = next(change.date for change in run.histories if change.state is State.RUNNING)
        if step.now >= started + step.duration(repeat.max_duration, run):
            return "Max duration reached"
    return None
