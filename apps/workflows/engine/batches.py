"""Batches: one task run that starts an execution for each batch, a slice at a time, and folds their ends."""

from __future__ import annotations

from apps.common.ids import derived_id
from apps.workflows.engine.claims import waiting_token
from apps.workflows.engine.commands import StartExecution
from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.end_state import count_end
from apps.workflows.engine.endings import open_attempt
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.leaves import end_leaf
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask, Level


def begin_batches(step: Step, run: RunRow, task: ExecutableTask) -> None:
    """Find how many batches there are. None: SUCCESS at once, with null outputs."""
    try:
        total = _number_of_batches(step, run, task)
    except RenderFailed as error:
        step.log(Level.ERROR, run, str(error))
        _end(step, run, State.FAILED)
        return
    if total == 0:
        run.outputs = None
        _end(step, run, State.SUCCESS)
        return
    run.token = waiting_token(f"try:{len(run.attempts)}")
    run.cursor = Cursor(total=total)
    step.push(run)


def executable(step: Step, run: RunRow) -> ExecutableTask:
    """The task of a run that starts executions. TypeError for any other."""
    task = step.task_of(run).task
    if not isinstance(task, ExecutableTask):
        raise TypeError(f"Task run {run.id} of {run.task_id} was told of executions, but starts none")
    return task


def ask_batches(step: Step, run: RunRow) -> None:
    """Fold what has ended, start what may start, end when nothing is left."""
    task = executable(step, run)
    if run.state is not State.RUNNING:
        return
    cursor = step.cursor_of(run)
    take_ended(step, run, task)
    step.touch(run)
    while cursor.next < cursor.total and step.room > 0:
        _start(step, run, cursor.next)
        cursor.next += 1
        cursor.open += 1
        step.room -= 1
    if cursor.next < cursor.total:
        step.owe(run)
    elif not task.wait:
        if not step.ports.look.missing_batches(run, cursor.total, 1):
            _finish(step, run, cursor, State.SUCCESS)
    elif cursor.open == 0:
        _finish(step, run, cursor, _end_state(cursor) if task.transmit_failed else State.SUCCESS)


def take_ended(step: Step, run: RunRow, task: ExecutableTask) -> None:
    """Mark ended children as told; count those of this try, if the run waits for them."""
    ended = step.ports.look.ended_children(run, step.ports.slice)
    for child in ended:
        step.decision.told.append(child.id)
        if task.wait and run.cursor is not None and run.state is State.RUNNING and child.token == run.token:
            run.cursor.open -= 1
            count_end(run.cursor, child.state)
    if len(ended) >= step.ports.slice and run.state is State.RUNNING:
        step.owe(run)


def start_missing_batches(step: Step, run: RunRow) -> None:
    """Ask again for executions that should exist and do not."""
    for batch in step.ports.look.missing_batches(run, step.cursor_of(run).next, step.ports.slice):
        _start(step, run, batch)


def batch_execution_id(run_id: str, tries: int, batch: int) -> str:
    """Id of the execution of a batch, of a run that had so many tries before."""
    return derived_id("subflow", run_id, tries, batch)


def _start(step: Step, run: RunRow, batch: int) -> None:
    child_id = batch_execution_id(run.id, len(run.attempts), batch)
    step.command(StartExecution(run.id, child_id, run.token or "", batch))


def _number_of_batches(step: Step, run: RunRow, task: ExecutableTask) -> int:
    rendered = step.ports.render(task.batches(), run)
    try:
        return int(rendered)
    except (TypeError, ValueError) as error:
        raise RenderFailed(f"The number of batches of task `{run.task_id}` is `{rendered}`, not a number") from error


def _end_state(cursor: Cursor) -> State:
    if cursor.fail:
        return State.FAILED
    if cursor.kill:
        return State.KILLED
    return State.WARNING if cursor.warn else State.SUCCESS


def _finish(step: Step, run: RunRow, cursor: Cursor, state: State) -> None:
    task = executable(step, run)
    counted = {
        State.SUCCESS: cursor.ok if task.wait else cursor.total,
        State.WARNING: cursor.warn,
        State.FAILED: cursor.fail,
        State.KILLED: cursor.kill,
    }
    iterations = {"CREATED": 0, "RUNNING": 0} if task.wait else {"RUNNING": 0}
    iterations |= {end.value: number for end, number in counted.items() if number}
    try:
        run.outputs = step.ports.render.batch_outputs(run, iterations)
    except RenderFailed as error:
        step.log(Level.ERROR, run, str(error))
        state = State.FAILED
    _end(step, run, state)


def _end(step: Step, run: RunRow, state: State) -> None:
    # A later try begins with a cursor of its own.
    run.cursor = None
    open_attempt(run, run.histories[-1].date)
    end_leaf(step, run, state, step.now)
