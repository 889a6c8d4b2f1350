"""Surgery: restart, set state and replay as values, from all the headers of an execution that stands still."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledFrame
from apps.workflows.engine.cursor import DYNAMIC, ERRORS, FINALLY, LISTENERS, MAIN, Cursor
from apps.workflows.engine.frontier import NOT_LOADED, Attempt, Change, ExecutionRow, Frame, RunRow
from apps.workflows.engine.rebuild import rebuild
from apps.workflows.plugin_api.frame import Lanes
from apps.workflows.plugin_api.state import State

_SIDES = frozenset({ERRORS, FINALLY, LISTENERS})
_ASIDE = _SIDES | {DYNAMIC}
_ORDER = (MAIN, ERRORS, FINALLY, LISTENERS, DYNAMIC)
LOOK_FIRST = -2
"""``Cursor.adopt``: look whether a place of a lane is taken before starting there."""


class NothingToRestart(Exception):
    """No task found to restart execution from!"""


class NoSuchTaskRun(Exception):
    """No task found to restart execution from!"""


class InsideUnit(Exception):
    """The task run shares the folder of its WorkingDirectory: it cannot be changed without it."""


@dataclass(slots=True)
class Surgery:
    """What to write: the execution (changed in place), ``updated`` rows, and what goes before they are written:
    ``deleted`` runs and the children of ``emptied`` ones, both with everything below. Then send ``Restarted``."""

    updated: dict[str, RunRow] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)


def restart(flow: CompiledFlow, execution: ExecutionRow, runs: Collection[RunRow], now: datetime) -> Surgery:
    """Let an ended or paused execution go on where it failed or paused. NothingToRestart when it did neither.

    ``runs`` are the headers of all its task runs; they are changed in place.
    """
    body = _Body(flow, execution, runs, now)
    targets = [run for run in runs if run.state in (State.FAILED, State.PAUSED) and not body.is_aside(run)]
    failed_finals = {run.parent_id for run in runs if run.branch == FINALLY and run.state is State.FAILED}
    if not targets and None not in failed_finals:
        raise NothingToRestart
    above = {ancestor for run in targets for ancestor in run.ancestors}
    for run in sorted(targets, key=lambda row: len(row.ancestors)):
        body.restart_one(run, has_cause_below=run.id in above or run.id in failed_finals)
    body.reopen_frames(targets)
    execution.attempt_number += 1
    return body.finish()


def set_state(
    flow: CompiledFlow, execution: ExecutionRow, runs: Collection[RunRow], run_id: str, state: State, now: datetime
) -> Surgery:
    """Give a task run another end state and let the execution go on from it.

    NoSuchTaskRun; InsideUnit for a child of a WorkingDirectory; ValueError for a state that is no end.
    """
    if not state.ended:
        raise ValueError(f"A task run can be set to an end state, {state} is none")
    body = _Body(flow, execution, runs, now)
    run = body.run(run_id)
    if run.branch == DYNAMIC:
        raise NoSuchTaskRun
    if flow.task(run.task_id).in_unit:
        raise InsideUnit
    if run.attempts and run.attempts[-1].state is not state:
        run.attempts[-1].histories.append(Change(state, now))
    run.enter(state, now)
    run.token = None
    run.pending = True
    body.surgery.updated[run.id] = run
    body.reopen_frames([run])
    return body.finish()


@dataclass(slots=True)
class Replay:
    """Rows of the new execution, parents first, and for each new id the old run whose outputs and loop values it
    takes; a run that is to run again takes none."""

    runs: list[RunRow]
    sources: dict[str, str]


def replay(
    flow: CompiledFlow,
    fresh: ExecutionRow,
    old: ExecutionRow,
    runs: Collection[RunRow],
    run_id: str,
    now: datetime,
    new_id: Callable[[], str],
) -> Replay:
    """Begin ``fresh``, a new execution, with what ``old`` did before a task run, which is run again. NoSuchTaskRun.

    ``runs`` are the headers of all task runs of ``old``, in order of ``seq``; they stay as they are. A child of a
    WorkingDirectory stands for the whole of it.
    """
    by_id = {run.id: run for run in runs}
    if run_id not in by_id:
        raise NoSuchTaskRun
    again = by_id[run_id]
    branches = {again.branch, *(by_id[above].branch for above in again.ancestors)}
    if not branches.isdisjoint({LISTENERS, DYNAMIC}):
        raise NoSuchTaskRun
    if flow.task(again.task_id).in_unit and again.parent_id is not None:
        again = by_id[again.parent_id]
    path = [*(by_id[ancestor] for ancestor in again.ancestors), again]
    kept = _kept(flow, old, runs, path)
    kept |= {run.id for run in path}
    ids = {run.id: new_id() for run in runs if run.id in kept}
    copies = {run.id: copy_run(run, ids) for run in runs if run.id in ids}
    frames: list[Frame] = [fresh, *(copies[step.id] for step in path[:-1])]
    originals: list[Frame] = [old, *path[:-1]]
    on_path = {run.id for run in path}
    for frame, original, child in zip(frames, originals, path, strict=True):
        siblings = [
            copies[run.id]
            for run in runs
            if run.id in kept and run.id not in on_path and run.parent_id == child.parent_id
        ]
        frame.cursor = _path_cursor(flow, original, child, siblings)
        frame.pending = True
        if isinstance(frame, RunRow):
            frame.enter(State.RUNNING, now)
    run_again(flow, copies[again.id], now)
    fresh.enter(State.RESTARTED, now)
    sources = {new: source for source, new in ids.items() if source != again.id}
    return Replay(list(copies.values()), sources)


class _Body:
    """An execution on the table."""

    def __init__(self, flow: CompiledFlow, execution: ExecutionRow, runs: Collection[RunRow], now: datetime) -> None:
        self.flow = flow
        self.execution = execution
        self.by_id = {run.id: run for run in runs}
        self.now = now
        self.surgery = Surgery()
        self.children: dict[str, list[RunRow]] = {}
        for run in runs:
            self.children.setdefault(run.parent_id or execution.id, []).append(run)

    def run(self, run_id: str) -> RunRow:
        if run_id not in self.by_id:
            raise NoSuchTaskRun
        return self.by_id[run_id]

    def is_aside(self, run: RunRow) -> bool:
        """Whether it lies in an errors, finally or listeners list, or below one, or inside another run."""
        return run.branch in _ASIDE or any(self.by_id[above].branch in _SIDES for above in run.ancestors)

    def restart_one(self, run: RunRow, *, has_cause_below: bool) -> None:
        """A failed or paused run runs again; a frame with a failure below goes on: see ``reopen_frames``."""
        task = self.flow.task(run.task_id)
        if task.in_unit:
            run = self.by_id[run.parent_id or ""]
        elif run.state is State.PAUSED:
            run.enter(State.RUNNING, self.now)
            run.nudged_at = None
            run.pending = True
            self.surgery.updated[run.id] = run
            return
        elif has_cause_below and not (task.frame is not None and task.frame.is_unit):
            return
        run_again(self.flow, run, self.now)
        self.surgery.updated[run.id] = run
        if task.frame is not None or run.id in self.children:
            self.surgery.emptied.append(run.id)
            self.children.pop(run.id, None)

    def reopen_frames(self, targets: Iterable[RunRow]) -> None:
        """The frames above the targets run on, without their errors runs, with cursors counted anew."""
        frames = {above for run in targets for above in run.ancestors}
        frames |= {run.parent_id for run in self.by_id.values() if self._is_failed_final(run) and run.parent_id}
        frames |= {above for frame_id in frames for above in self.by_id[frame_id].ancestors}
        for frame_id in sorted(frames, key=lambda each: len(self.by_id[each].ancestors), reverse=True):
            frame = self.by_id[frame_id]
            if frame.cursor is None or frame.id in self.surgery.emptied:
                continue
            frame.enter(State.RUNNING, self.now)
            frame.pending = True
            self._recount(frame)
            self.surgery.updated[frame.id] = frame
        if self.execution.cursor is not None:
            self.execution.cursor.branch = MAIN
            self._recount(self.execution)

    def finish(self) -> Surgery:
        execution = self.execution
        execution.enter(State.RESTARTED, self.now)
        execution.pending = True
        # A run that was set beside a pause leaves that pause open.
        execution.paused = sum(run.state is State.PAUSED for run in self.by_id.values() if not self._is_gone(run))
        execution.hold = False
        execution.error = None
        execution.outputs = None
        gone = set(self.surgery.deleted) | set(self.surgery.emptied)
        self.surgery.updated = {
            run_id: run
            for run_id, run in self.surgery.updated.items()
            if run_id not in self.surgery.deleted and gone.isdisjoint(run.ancestors)
        }
        return self.surgery

    def _is_gone(self, run: RunRow) -> bool:
        """Whether it is deleted, or runs for a listener."""
        path = {run.id, *run.ancestors}
        outermost = self.by_id[run.ancestors[0]] if run.ancestors else run
        return outermost.branch == LISTENERS or not path.isdisjoint(self.surgery.deleted)

    def _is_failed_final(self, run: RunRow) -> bool:
        return run.branch == FINALLY and run.state is State.FAILED

    def _recount(self, frame: Frame) -> None:
        children = self.children.get(frame.id, [])
        self.surgery.deleted += [run.id for run in children if run.branch in _SIDES]
        children = [run for run in children if run.branch not in _SIDES]
        shape = self.flow.root if isinstance(frame, ExecutionRow) else self.flow.task(frame.task_id).frame
        if frame.cursor is None or shape is None:
            raise ValueError(f"Frame {frame.id} has children but no cursor")
        last: dict[int, RunRow] = {}
        for run in children:
            if run.branch == MAIN and (run.lane not in last or last[run.lane].idx < run.idx):
                last[run.lane] = run
        for lane, run in last.items():
            # A lane that stopped because another one failed goes on from its last row.
            unfinished = run.idx + 1 < len(shape.lane_tasks(frame.cursor, MAIN, lane))
            if unfinished and run.state.ended and run.state is not State.FAILED and not run.pending:
                run.pending = True
                self.surgery.updated[run.id] = run
        frame.cursor.adopt = LOOK_FIRST
        frame.cursor.wait = 0
        frame.cursor = rebuild(self.flow, frame, children)


def run_again(flow: CompiledFlow, run: RunRow, now: datetime) -> None:
    """A leaf waits for a worker anew, a flowable is opened anew."""
    frame = flow.task(run.task_id).frame
    run.enter(State.RUNNING if frame is not None and not frame.is_unit else State.RESTARTED, now)
    run.pending = True
    run.token = None
    run.nudged_at = None
    run.cursor = None


def _kept(flow: CompiledFlow, old: ExecutionRow, runs: Collection[RunRow], path: list[RunRow]) -> set[str]:
    """Ids of the runs that are copied as they ended: siblings of the path that lie before it, with all below."""
    tops: set[str] = set()
    on_path = {run.id for run in path}
    for child in path:
        frame: Frame = old
        for step in path:
            if step.id == child.parent_id:
                frame = step
        keeps = _keeper(flow, frame, child)
        tops |= {
            run.id
            for run in runs
            if run.parent_id == child.parent_id
            and run.id not in on_path
            and run.state.ended
            and not run.pending
            and keeps(run)
        }
    return tops | {run.id for run in runs if not tops.isdisjoint(run.ancestors)}


def _keeper(flow: CompiledFlow, frame: Frame, child: RunRow) -> Callable[[RunRow], bool]:
    shape = flow.root if isinstance(frame, ExecutionRow) else flow.task(frame.task_id).frame
    if child.branch != MAIN or shape is None:
        return lambda run: (
            (_ORDER.index(run.branch), run.idx, run.lane) < (_ORDER.index(child.branch), child.idx, child.lane)
        )
    keeps = _main_keeper(shape, child)
    return lambda run: run.branch == MAIN and keeps(run)


def _main_keeper(shape: CompiledFrame, child: RunRow) -> Callable[[RunRow], bool]:
    if shape.lanes is Lanes.GATED:
        dependent = 1 << child.lane
        waiting = [child.lane]
        while waiting:
            for user in shape.users[waiting.pop()]:
                if not dependent >> user & 1:
                    dependent |= 1 << user
                    waiting.append(user)
        return lambda run: not dependent >> run.lane & 1
    if shape.lanes is Lanes.ONE or shape.limit == 1:
        return lambda run: (run.idx, run.lane) < (child.idx, child.lane)
    return lambda run: run.lane != child.lane or run.idx < child.idx


def _path_cursor(flow: CompiledFlow, original: Frame, child: RunRow, siblings: list[RunRow]) -> Cursor:
    if original.cursor is None:
        raise ValueError(f"Frame {original.id} has children but no cursor")
    shape = flow.root if isinstance(original, ExecutionRow) else flow.task(original.task_id).frame
    gated = shape is not None and shape.lanes is Lanes.GATED
    adopt = -1 if gated or child.branch != MAIN else child.lane
    bare = Cursor(list=original.cursor.list, total=original.cursor.total, it=original.cursor.it, adopt=adopt)
    open_child = replace(child, state=State.RUNNING, pending=False)
    held = replace(original, cursor=bare)
    return rebuild(flow, held, [*siblings, open_child])


def copy_run(run: RunRow, ids: dict[str, str]) -> RunRow:
    """The run as a row of a new execution: new ids, same place and histories, nobody's claim."""
    return replace(
        run,
        id=ids[run.id],
        parent_id=None if run.parent_id is None else ids[run.parent_id],
        ancestors=tuple(ids[above] for above in run.ancestors),
        histories=[Change(change.state, change.date) for change in run.histories],
        attempts=[
            Attempt([Change(change.state, change.date) for change in attempt.histories], attempt.log_file)
            for attempt in run.attempts
        ],
        cursor=None if run.cursor is None else replace(run.cursor),
        outputs=NOT_LOADED,
        pending=False,
        token=None,
        nudged_at=None,
    )
