"""Settle: take rows from the queue until it is empty: fold the ended into their frame, ask frames, send the rest."""

from __future__ import annotations

from apps.workflows.engine.batches import ask_batches
from apps.workflows.engine.commands import Continue
from apps.workflows.engine.compiled_flow import CompiledFrame
from apps.workflows.engine.cursor import ERRORS, FINALLY, LISTENERS, MAIN, Cursor
from apps.workflows.engine.end_state import count_end, frame_end_state, softened
from apps.workflows.engine.endings import after_end, end_root, put_end
from apps.workflows.engine.frontier import ExecutionRow, Frame, RunRow
from apps.workflows.engine.starting import next_listener, send, start
from apps.workflows.engine.step import LIVE, Step
from apps.workflows.engine.turns import FAILED_AT_LIMIT, next_turn
from apps.workflows.plugin_api.frame import Kind, Lanes
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask


def settle(step: Step) -> None:
    """Work off the queue. What the gate or a used-up slice keeps back stays ``pending``."""
    step.paused_before = step.execution.paused
    while step.queue:
        row = step.queue.popleft()
        if not row.pending:
            continue
        if not _gate_is_open(step, row):
            _keep(step, row)
            continue
        if step.room <= 0 and not (isinstance(row, RunRow) and step.in_held_unit(row)):
            _keep(step, row)
            step.more = True
            continue
        row.pending = False
        if row.id in step.was_pending:
            step.touch(row)
        _settle_one(step, row)
    if step.more and not _is_held_up(step):
        step.command(Continue())


def _settle_one(step: Step, row: Frame) -> None:
    if isinstance(row, ExecutionRow):
        _ask(step, row)
    elif row.state.ended:
        _fold(step, row)
    elif row.cursor is None:
        send(step, row)
    elif isinstance(step.task_of(row).task, ExecutableTask):
        ask_batches(step, row)
    else:
        _ask(step, row)


def _is_held_up(step: Step) -> bool:
    # A paused execution goes on with its backlog when it is resumed; until then another step could do nothing.
    return step.execution.hold or step.execution.paused > 0


def _keep(step: Step, row: Frame) -> None:
    if row.id not in step.was_pending:
        step.touch(row)


def _gate_is_open(step: Step, row: Frame) -> bool:
    execution = step.execution
    if isinstance(row, ExecutionRow):
        if execution.state.ended:
            return row.cursor is not None and row.cursor.branch == LISTENERS
    elif step.in_listeners(row):
        return execution.state.ended
    elif step.in_held_unit(row):
        return execution.state in LIVE
    # Pauses that open while this queue is worked off do not stop it: all of a fan-out's pauses pause.
    return execution.state in LIVE and not execution.hold and step.paused_before == 0


# Fold


def _fold(step: Step, run: RunRow) -> None:
    frame = step.frame_of(run)
    cursor = step.cursor_of(frame)
    shape = step.shape(frame)
    step.touch(frame)
    if run.branch == MAIN:
        cursor.open -= 1
        count_end(cursor, run.state)
        if shape.lanes is Lanes.GATED:
            _open_gates(step, frame, run.lane)
    else:
        cursor.eopen -= 1
        if run.branch == FINALLY and run.state is State.FAILED:
            cursor.fail += 1
    if frame.state.ended and run.branch != LISTENERS:
        return
    if run.branch == MAIN and cursor.branch == MAIN and run.state is State.FAILED:
        cursor.branch = ERRORS
    elif run.branch == cursor.branch:
        # A failing handler does not stop the next one; a failing main task has left the branch just above.
        _start_next(step, frame, run)
    _ask(step, frame)


def _open_gates(step: Step, frame: Frame, lane: int) -> None:
    cursor, shape = step.cursor_of(frame), step.shape(frame)
    cursor.done |= 1 << lane
    for user in shape.users[lane]:
        if shape.needs[user] & ~cursor.done:
            continue
        # After a surgery it may have been started before what it needs was run again.
        if cursor.adopt == -1 or step.ports.look.child_at(frame, MAIN, user, 0) is None:
            cursor.ready |= 1 << user


def _start_next(step: Step, frame: Frame, run: RunRow) -> None:
    tasks = step.shape(frame).lane_tasks(step.cursor_of(frame), run.branch, run.lane)
    idx = run.idx + 1
    if run.branch == LISTENERS:
        idx = next_listener(step, idx)
    if idx < len(tasks):
        start(step, frame, run.branch, run.lane, idx, before=run)


# Ask


def _ask(step: Step, frame: Frame) -> None:
    cursor = step.cursor_of(frame)
    if frame.state.ended and cursor.branch != LISTENERS:
        return
    shape = step.shape(frame)
    unit = step.holds_unit(frame)
    if not _start_lanes(step, frame, cursor, shape, unit):
        step.owe(frame)
        return
    # A held unit ends with its worker's own result, not with its last child.
    if cursor.open or cursor.eopen or unit:
        return
    _drained(step, frame, cursor, shape)


def _start_lanes(step: Step, frame: Frame, cursor: Cursor, shape: CompiledFrame, unit: bool) -> bool:
    """Start what may start; False when the slice was used up before."""
    if cursor.branch == MAIN:
        return _start_main(step, frame, cursor, shape, unit)
    if cursor.branch == ERRORS and not unit:
        return _start_errors(step, frame, cursor, shape)
    if cursor.branch == LISTENERS and cursor.enext == 0:
        cursor.enext = 1
        step.touch(frame)
        first = next_listener(step, 0)
        if first < len(shape.listeners):
            start(step, frame, LISTENERS, 0, first)
    return True


def _start_main(step: Step, frame: Frame, cursor: Cursor, shape: CompiledFrame, unit: bool) -> bool:
    gated = shape.lanes is Lanes.GATED
    while (cursor.ready if gated else cursor.next < cursor.total) and _free(shape.limit, cursor.open):
        if step.room <= 0 and not unit:
            return False
        if gated:
            lane = (cursor.ready & -cursor.ready).bit_length() - 1
            cursor.ready &= ~(1 << lane)
        else:
            lane = cursor.next
            cursor.next += 1
        step.touch(frame)
        # The lane being replayed is under way already.
        if lane != cursor.adopt:
            start(step, frame, MAIN, lane, 0)
    return True


def _start_errors(step: Step, frame: Frame, cursor: Cursor, shape: CompiledFrame) -> bool:
    while cursor.enext < shape.error_lanes and _free(shape.error_limit, cursor.eopen):
        if step.room <= 0:
            return False
        cursor.enext += 1
        step.touch(frame)
        start(step, frame, ERRORS, cursor.enext - 1, 0)
    return True


def _free(limit: int, running: int) -> bool:
    return limit == 0 or running < limit


def _drained(step: Step, frame: Frame, cursor: Cursor, shape: CompiledFrame) -> None:
    step.touch(frame)
    if cursor.branch == LISTENERS:
        if not step.ports.look.held_runs(1):
            step.drop_timer("watch")
        return
    repeats = shape.kind is Kind.WAIT_FOR and cursor.branch != FINALLY
    if repeats and isinstance(frame, RunRow) and next_turn(step, frame, cursor, shape):
        return
    if cursor.branch != FINALLY and shape.finals:
        cursor.branch = FINALLY
        cursor.enext = 1
        start(step, frame, FINALLY, 0, 0)
        return
    if isinstance(frame, ExecutionRow):
        end_root(step, frame_end_state(cursor))
        after_end(step)
    else:
        _finish(step, frame, cursor, shape)


def _finish(step: Step, run: RunRow, cursor: Cursor, shape: CompiledFrame) -> None:
    state = frame_end_state(cursor)
    if state is State.SUCCESS or state is State.WARNING:
        # A unit's worker, or the limit of a WaitFor, may have failed although all children did well.
        state = run.attempts[-1].state if shape.is_unit and run.attempts[-1].state is State.FAILED else state
        if shape.kind is Kind.WAIT_FOR and cursor.wait == FAILED_AT_LIMIT:
            state = State.FAILED
    if shape.kind is Kind.ALLOW_FAILURE and state is State.FAILED:
        state = State.WARNING
    put_end(step, run, softened(step.task_of(run).task, state), step.now)
