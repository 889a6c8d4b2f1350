"""rebuild: a frame's cursor counted anew from its children's rows: the truth the cursor is a cache of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledFrame
from apps.workflows.engine.cursor import ERRORS, FINALLY, LISTENERS, MAIN, Cursor
from apps.workflows.engine.end_state import count_end
from apps.workflows.engine.frontier import ExecutionRow, Frame, RunRow
from apps.workflows.plugin_api.frame import Lanes
from apps.workflows.plugin_api.state import State


def rebuild(flow: CompiledFlow, frame: Frame, children: Sequence[RunRow]) -> Cursor:
    """The cursor that the direct children (all of them, in any order) call for.

    What children do not show is taken from the frame's own cursor: ``list``, ``total``, ``it``, ``wait``, ``adopt``.
    ValueError when the frame never had a cursor.
    """
    if frame.cursor is None:
        raise ValueError(f"Frame {frame.id} has no cursor: it has not begun, so there is nothing to count")
    shape = _shape(flow, frame)
    old = frame.cursor
    cursor = Cursor(list=old.list, total=old.total, it=old.it, wait=old.wait, adopt=old.adopt)
    main = [run for run in children if run.branch == MAIN]
    if old.adopt >= 0:
        # A replay walks over rows it has copied: what lies beyond where it stands is not counted yet.
        main = _walked(main, old)
        cursor.next = old.next
    elif main and shape.lanes is not Lanes.GATED:
        cursor.next = max(run.lane for run in main) + 1
    for run in main:
        if _folded(run):
            count_end(cursor, run.state)
        else:
            cursor.open += 1
    _count_side_branches(cursor, children)
    _find_branch(cursor, frame, shape, main, children)
    if shape.lanes is Lanes.GATED:
        _open_gates(cursor, shape, main)
    return cursor


def differences(held: Cursor, counted: Cursor) -> list[str]:
    """What differs between a cursor and its rebuild, as texts for a person; empty when nothing does."""
    mine, theirs = held.to_json(), counted.to_json()
    return [
        f"{name}: {mine.get(name)} held, {theirs.get(name)} counted"
        for name in sorted(mine.keys() | theirs.keys())
        if mine.get(name) != theirs.get(name)
    ]


def _shape(flow: CompiledFlow, frame: Frame) -> CompiledFrame:
    if isinstance(frame, ExecutionRow):
        return flow.root
    shape = flow.task(frame.task_id).frame
    if shape is None:
        raise ValueError(f"Task run {frame.id} of {frame.task_id} is no frame: its task is not flowable")
    return shape


def _folded(run: RunRow) -> bool:
    return run.state.ended and not run.pending


def _walked(main: Iterable[RunRow], cursor: Cursor) -> list[RunRow]:
    lanes: dict[int, list[RunRow]] = {}
    for run in main:
        if run.lane < cursor.next or run.lane == cursor.adopt:
            lanes.setdefault(run.lane, []).append(run)
    walked = []
    for lane in lanes.values():
        for run in sorted(lane, key=lambda row: row.idx):
            walked.append(run)
            if not _folded(run):
                break
    return walked


def _count_side_branches(cursor: Cursor, children: Iterable[RunRow]) -> None:
    for run in children:
        if run.branch not in (ERRORS, FINALLY, LISTENERS):
            continue
        if not _folded(run):
            cursor.eopen += 1
        elif run.branch == FINALLY and run.state is State.FAILED:
            cursor.fail += 1


def _find_branch(
    cursor: Cursor, frame: Frame, shape: CompiledFrame, main: Sequence[RunRow], children: Sequence[RunRow]
) -> None:
    present = {run.branch for run in children}
    failed = any(_folded(run) and run.state is State.FAILED for run in main)
    unit_failed = shape.is_unit and isinstance(frame, RunRow) and frame.token is None and _own_try_failed(frame)
    if frame.cursor is not None and frame.cursor.branch == LISTENERS:
        # Whether any listener's conditions held is not seen in the rows.
        cursor.branch, cursor.enext = LISTENERS, frame.cursor.enext
    elif FINALLY in present:
        cursor.branch, cursor.enext = FINALLY, 1
    elif failed or unit_failed:
        cursor.branch = ERRORS
        cursor.enext = max((run.lane + 1 for run in children if run.branch == ERRORS), default=0)


def _own_try_failed(unit: RunRow) -> bool:
    return bool(unit.attempts) and unit.attempts[-1].state.ended and unit.attempts[-1].state is not State.SUCCESS


def _open_gates(cursor: Cursor, shape: CompiledFrame, main: Iterable[RunRow]) -> None:
    started = 0
    for run in main:
        started |= 1 << run.lane
        if _folded(run):
            cursor.done |= 1 << run.lane
    cursor.ready = shape.ready(cursor.done) & ~started
