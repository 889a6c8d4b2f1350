"""Starting: a new row at a place of a lane, and sending a row on its way, by the role of its task."""

from __future__ import annotations

from apps.workflows.engine.compiled_flow import CompiledTask, loop_key
from apps.workflows.engine.cursor import MAIN
from apps.workflows.engine.endings import end_unsent, put_end
from apps.workflows.engine.frontier import Change, ExecutionRow, Frame, RunRow
from apps.workflows.engine.leaves import send_labels, send_runnable, send_timed, take
from apps.workflows.engine.opening import open_frame
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.engine.subflows import send_executable
from apps.workflows.plugin_api.frame import Kind
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask, FlowableTask, LabelTask, TimedTask

ALWAYS = "true"
"""A ``runIf`` that need not be rendered."""


def start(step: Step, frame: Frame, branch: str, lane: int, idx: int, before: RunRow | None = None) -> None:
    """Create the run at a place of a lane and send it; after a surgery take what is there instead.

    ``before`` is the run before it in the lane: it has the lane's value already.
    """
    cursor = step.cursor_of(frame)
    if branch == MAIN and cursor.adopt != -1 and _adopt(step, frame, lane, idx):
        return
    task = step.shape(frame).lane_tasks(cursor, branch, lane)[idx]
    run = _new_run(step, frame, task, branch, lane, idx)
    _give_value(step, frame, run, before)
    if branch == MAIN:
        cursor.open += 1
    else:
        cursor.eopen += 1
    step.room -= 1
    step.insert(run)
    send(step, run)


def send(step: Step, run: RunRow) -> None:
    """Look at ``runIf``, then hand the run to whoever runs its kind of task."""
    task = step.task_of(run)
    # A retry, or a run given back by a lost worker, was asked before.
    first = run.state is State.RESTARTED or not run.attempts
    if first and task.task.run_if != ALWAYS and not _may_run(step, run, task):
        return
    if step.in_held_unit(run) and run.parent_id is not None and task.in_unit:
        take(step, run, step.runs[run.parent_id].token or "")
        return
    match task.task:
        case FlowableTask() as flowable:
            shape = step.shape(run)
            if shape.is_unit:
                send_runnable(step, run, task)
            else:
                open_frame(step, run, flowable, shape)
        case TimedTask() as timed:
            send_timed(step, run, timed)
        case LabelTask() as labelling:
            send_labels(step, run, labelling)
        case ExecutableTask() as executable:
            send_executable(step, run, executable)
        case _:
            send_runnable(step, run, task)


def next_listener(step: Step, idx: int) -> int:
    """The first task from ``idx`` on in the root's listeners list whose listener's conditions hold."""
    listener_of = step.flow.listener_of
    while idx < len(listener_of):
        number = listener_of[idx]
        if number is None or step.ports.render.listener(number):
            return idx
        idx += 1
    return idx


def _adopt(step: Step, frame: Frame, lane: int, idx: int) -> bool:
    found = step.ports.look.child_at(frame, MAIN, lane, idx)
    if found is None:
        return False
    step.room -= 1
    cursor = step.cursor_of(frame)
    if cursor.adopt >= 0 and found.state.ended:
        (row,) = step.adopt([found])
        cursor.open += 1
        step.push(row)
        step.touch(row)
    return True


def _new_run(step: Step, frame: Frame, task: CompiledTask, branch: str, lane: int, idx: int) -> RunRow:
    above = frame if isinstance(frame, RunRow) else None
    return RunRow(
        id=step.ports.new_id(),
        task_id=task.task.id,
        state=State.CREATED,
        histories=[Change(State.CREATED, step.now)],
        parent_id=above.id if above else None,
        ancestors=(*above.ancestors, above.id) if above else (),
        branch=branch,
        lane=lane,
        idx=idx,
        loop_key=above.loop_key if above else b"",
    )


def _give_value(step: Step, frame: Frame, run: RunRow, before: RunRow | None) -> None:
    if isinstance(frame, ExecutionRow) or run.branch != MAIN:
        return
    shape = step.shape(frame)
    cursor = step.cursor_of(frame)
    if shape.kind is Kind.WAIT_FOR:
        run.iteration = cursor.it
    if not shape.is_loop:
        return
    if before is not None:
        run.value, run.loop_key, run.iteration = before.value, before.loop_key, before.iteration
        return
    index = shape.value_index(cursor.list, run.lane)
    opened = step.decision.loop_values.get(frame.id)
    run.value = opened[index] if opened is not None else step.ports.look.loop_value(frame, index)
    run.loop_key = loop_key(frame.loop_key, run.value)
    run.iteration = index


def _may_run(step: Step, run: RunRow, task: CompiledTask) -> bool:
    try:
        if step.ports.render.condition(task.task.run_if, run):
            return True
    except RenderFailed as error:
        message = f"Unable to evaluate the runIf condition for task {run.task_id}. Cause: {error}"
        end_unsent(step, run, message)
        return False
    put_end(step, run, State.SKIPPED, step.now)
    return False
