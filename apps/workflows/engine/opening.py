"""Opening a frame: its control expression is rendered, once, and the answer kept; then its cursor is made."""

from __future__ import annotations

from apps.workflows.engine.compiled_flow import CompiledFrame
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.endings import end_unsent
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.pauses import begin_pause
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.errors import FlowableFailed
from apps.workflows.plugin_api.frame import Kind, Opening
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import FlowableTask


def open_frame(step: Step, run: RunRow, task: FlowableTask, shape: CompiledFrame) -> None:
    """The run of a flowable becomes a frame and is asked what to start, or fails."""
    run.enter(State.RUNNING, step.now)
    step.touch(run)
    try:
        opening = _ask_task(step, run, task, shape)
    except (RenderFailed, FlowableFailed) as error:
        end_unsent(step, run, str(error))
        return
    if opening.outputs is not None:
        run.outputs = opening.outputs
    run.cursor = opening_cursor(shape, opening)
    if opening.values is not None:
        step.decision.loop_values[run.id] = opening.values
    if shape.kind is Kind.PAUSE:
        begin_pause(step, run, shape)
    else:
        step.push(run)


def opening_cursor(shape: CompiledFrame, opening: Opening) -> Cursor:
    """The cursor of a frame of which nothing has started."""
    chosen = opening.chosen
    cursor = Cursor(list=chosen if chosen is not None else next(iter(shape.lists), "main"))
    if chosen is not None:
        cursor.total = shape.total(chosen, len(opening.values or ()))
    if shape.kind is Kind.WAIT_FOR:
        cursor.it = 1
    cursor.ready = shape.ready(0)
    return cursor


def _ask_task(step: Step, run: RunRow, task: FlowableTask, shape: CompiledFrame) -> Opening:
    control = None if shape.control is None else step.ports.render(shape.control, run)
    opening = task.open(control)
    if opening.chosen is not None and opening.chosen not in shape.lists:
        known = ", ".join(shape.lists)
        raise FlowableFailed(f"Task `{run.task_id}` chose the list `{opening.chosen}`, but it has: {known}")
    return opening
