"""Revisions: the task runs of an execution, put where another revision of its flow has their tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledFrame, CompiledTask
from apps.workflows.engine.cursor import DYNAMIC, ERRORS, FINALLY, LISTENERS, MAIN, Cursor
from apps.workflows.engine.frontier import ExecutionRow, Frame, RunRow
from apps.workflows.engine.rebuild import rebuild
from apps.workflows.engine.surgery import LOOK_FIRST, Replay, copy_run, restart, run_again
from apps.workflows.plugin_api.frame import Lanes
from apps.workflows.plugin_api.state import State

_LANE_PER_TASK = frozenset({Lanes.PER_TASK, Lanes.GATED, Lanes.PER_VALUE_AND_TASK})


def fit_runs(
    old: CompiledFlow, new: CompiledFlow, execution: ExecutionRow, runs: Collection[RunRow]
) -> tuple[ExecutionRow, list[RunRow]]:
    """Copies of the execution and of those of its task runs whose task the new revision has in the same list.

    A task that moved within its list takes its run along. Runs whose task is gone, or lies elsewhere, are left out
    with everything below them. What is new before a run that is kept does not run, also in a Parallel. ``runs`` are
    in order of ``seq``; so is the answer.
    """
    if old is new:
        return replace(execution), [replace(run) for run in runs]
    root = replace(execution, cursor=_fit_cursor(old.root, new.root, execution.cursor))
    fitted: dict[str, RunRow] = {}
    originals = {run.id: run for run in runs}
    for run in sorted(runs, key=lambda row: len(row.ancestors)):
        if run.parent_id is not None and run.parent_id not in fitted:
            continue
        parent: Frame = execution if run.parent_id is None else originals[run.parent_id]
        made = _fit(old, new, parent, run)
        if made is not None:
            fitted[run.id] = made
    return root, [fitted[run.id] for run in runs if run.id in fitted]


def restart_anew(
    old_flow: CompiledFlow,
    flow: CompiledFlow,
    fresh: ExecutionRow,
    old: ExecutionRow,
    runs: Sequence[RunRow],
    now: datetime,
    new_id: Callable[[], str],
) -> Replay:
    """Begin ``fresh``, a new execution on another revision, where ``old`` failed or paused. NothingToRestart.

    What was under way in ``old`` is run again: nobody works on it here.
    """
    fitted_old, fitted = fit_runs(old_flow, flow, old, runs)
    ids = {run.id: new_id() for run in fitted}
    copies = [copy_run(run, ids) for run in fitted]
    for run in copies:
        if not run.state.ended and run.state is not State.PAUSED and not _is_open_frame(flow, run):
            run_again(flow, run, now)
    fresh.cursor = None if fitted_old.cursor is None else replace(fitted_old.cursor)
    for run in copies:
        if _is_open_frame(flow, run) and not run.state.ended and run.cursor is not None:
            # What it had open may have been left behind.
            run.cursor.adopt = LOOK_FIRST
            run.cursor = rebuild(flow, run, [row for row in copies if row.parent_id == run.id])
            run.pending = True
    surgery = restart(flow, fresh, copies, now)
    gone, emptied = set(surgery.deleted), set(surgery.emptied)
    below = gone | emptied
    kept = [run for run in copies if run.id not in gone and below.isdisjoint(run.ancestors)]
    sources = {new: source for source, new in ids.items() if new not in emptied}
    return Replay(kept, {run.id: sources[run.id] for run in kept if run.id in sources})


def _is_open_frame(flow: CompiledFlow, run: RunRow) -> bool:
    frame = flow.task(run.task_id).frame
    return run.cursor is not None and frame is not None and not frame.is_unit


def _fit(old: CompiledFlow, new: CompiledFlow, parent: Frame, run: RunRow) -> RunRow | None:
    if run.branch == DYNAMIC:
        return replace(run)
    if run.task_id not in new.by_id or run.task_id not in old.by_id:
        return None
    old_shape, shape = _shape(old, parent), _shape(new, parent)
    if old_shape is None or shape is None or old_shape.lanes is not shape.lanes or parent.cursor is None:
        return None
    place = _place(old_shape, shape, parent.cursor, run)
    if place is None:
        return None
    old_frame, frame = old.task(run.task_id).frame, new.task(run.task_id).frame
    cursor = None if old_frame is None or frame is None else _fit_cursor(old_frame, frame, run.cursor)
    return replace(run, lane=place[0], idx=place[1], cursor=cursor)


def _shape(flow: CompiledFlow, frame: Frame) -> CompiledFrame | None:
    return flow.root if isinstance(frame, ExecutionRow) else flow.task(frame.task_id).frame


def _place(old: CompiledFrame, new: CompiledFrame, cursor: Cursor, run: RunRow) -> tuple[int, int] | None:
    """(lane, idx) of the run's task in the new shape."""
    tasks = _tasks(new, cursor, run.branch)
    position = next((number for number, item in enumerate(tasks) if item.task.id == run.task_id), None)
    if position is None:
        return None
    if run.branch not in (MAIN, ERRORS) or new.lanes not in _LANE_PER_TASK:
        return run.lane, position
    if run.branch == MAIN and new.lanes is Lanes.PER_VALUE_AND_TASK:
        return old.value_index(cursor.list, run.lane) * len(tasks) + position, run.idx
    return position, run.idx


def _tasks(shape: CompiledFrame, cursor: Cursor, branch: str) -> Sequence[CompiledTask]:
    held = {
        MAIN: shape.lists.get(cursor.list, ()),
        ERRORS: shape.errors,
        FINALLY: shape.finals,
        LISTENERS: shape.listeners,
    }
    return held.get(branch, ())


def _fit_cursor(old: CompiledFrame, new: CompiledFrame, cursor: Cursor | None) -> Cursor | None:
    """The cursor with the number of lanes of the new shape. None when the list it chose is gone: it opens anew."""
    if cursor is None or cursor.list not in new.lists or old.lanes is not new.lanes:
        return None
    values = cursor.total
    if old.lanes is Lanes.PER_VALUE_AND_TASK:
        values = cursor.total // max(len(old.lists[cursor.list]), 1)
    return replace(cursor, total=new.total(cursor.list, values))
