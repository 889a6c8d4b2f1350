"""Rows in memory: loads a step's frontier, answers ``look``, saves decisions, and checks each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from apps.workflows.engine.claims import WAITS, held
from apps.workflows.engine.commands import SetTimer
from apps.workflows.engine.compiled_flow import CompiledFlow
from apps.workflows.engine.cursor import LISTENERS, Cursor
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import NOT_LOADED, Attempt, Change, ExecutionRow, Frame, Frontier, RunRow
from apps.workflows.engine.ports import EndedChild
from apps.workflows.engine.rebuild import differences, rebuild
from apps.workflows.plugin_api.state import State

KILLED_OFF = frozenset({State.KILLING, State.KILLED, State.CANCELLED, State.RETRIED})
Place = tuple[str, str, int, int]


@dataclass
class Child:
    """An execution that was started by a task run."""

    id: str
    run_id: str
    token: str
    batch: int | None
    state: State = State.RUNNING
    told: bool = False


@dataclass
class Counts:
    """Rows read and written by one step."""

    read: int = 0
    written: int = 0
    execution_written: bool = False


def copy_run(run: RunRow) -> RunRow:
    return replace(
        run,
        histories=[Change(change.state, change.date) for change in run.histories],
        attempts=[
            Attempt([Change(change.state, change.date) for change in attempt.histories], attempt.log_file)
            for attempt in run.attempts
        ],
        cursor=copy_cursor(run.cursor),
    )


def copy_cursor(cursor: Cursor | None) -> Cursor | None:
    return None if cursor is None else Cursor.from_json(cursor.to_json())


def copy_execution(row: ExecutionRow) -> ExecutionRow:
    return replace(
        row,
        histories=[Change(change.state, change.date) for change in row.histories],
        labels=list(row.labels),
        cursor=copy_cursor(row.cursor),
    )


@dataclass
class MemoryStore:
    """One execution's rows. ``check`` False leaves out what costs as much as the run is large."""

    flow: CompiledFlow
    execution: ExecutionRow
    check: bool = True
    runs: dict[str, RunRow] = field(default_factory=dict)
    places: dict[Place, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    loop_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    timers: dict[tuple[str, str], datetime] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    counts: list[Counts] = field(default_factory=list)
    swept: bool = False
    served: set[str] = field(default_factory=set)
    _loaded: dict[str, RunRow] = field(default_factory=dict)
    _frontier: Frontier = field(init=False)
    _by_frame: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _open: dict[str, None] = field(default_factory=dict)
    _pending: dict[str, None] = field(default_factory=dict)

    # Load

    def load(self, run_id: str | None) -> Frontier:
        """The execution, the run and its ancestors: locked, so they may be written."""
        self.counts.append(Counts(read=1))
        self._loaded = {}
        frontier = self._frontier = Frontier(copy_execution(self.execution))
        if run_id is not None and run_id in self.runs:
            for each in (*self.runs[run_id].ancestors, run_id):
                frontier.runs[each] = self._read(each)
        return frontier

    def _read(self, run_id: str) -> RunRow:
        if run_id not in self._loaded:
            self.counts[-1].read += 1
            self._loaded[run_id] = replace(copy_run(self.runs[run_id]), outputs=NOT_LOADED)
        # A second read answers a fresh row, as a database does; the step's own object must win.
        return replace(copy_run(self.runs[run_id]), outputs=NOT_LOADED)

    def _with_ancestors(self, run_ids: Sequence[str]) -> list[RunRow]:
        above = {each: None for run_id in run_ids for each in self.runs[run_id].ancestors if each not in self._loaded}
        ids = [*sorted(above, key=lambda each: len(self.runs[each].ancestors)), *run_ids]
        return [self._read(each) for each in dict.fromkeys(ids)]

    # Look

    def loop_value(self, frame: RunRow, index: int) -> str:
        self.counts[-1].read += 1
        return self.loop_values[frame.id][index]

    def child_at(self, frame: Frame, branch: str, lane: int, idx: int) -> RunRow | None:
        found = self.places.get((frame.id, branch, lane, idx))
        return None if found is None else self._read(found)

    def pending(self, limit: int) -> Sequence[RunRow]:
        return self._with_ancestors(list(self._pending)[:limit])

    def open_runs(self, limit: int) -> Sequence[RunRow]:
        free = (each for each in self._open if not held(self.runs[each]))
        return self._with_ancestors([each for each, _ in zip(free, range(limit), strict=False)])

    def last_open(self) -> RunRow | None:
        return self._read(next(reversed(self._open))) if self._open else None

    def first_paused(self) -> RunRow | None:
        paused = next((each for each in self._open if self.runs[each].state is State.PAUSED), None)
        if paused is None:
            return None
        rows = self._with_ancestors([paused])
        for row in rows[:-1]:
            self._frontier.runs.setdefault(row.id, row)
        return rows[-1]

    def held_runs(self, limit: int) -> Sequence[tuple[str, str]]:
        found = [(each, self.runs[each].token or "") for each in self._open if held(self.runs[each])]
        return found[:limit]

    def waiting_long(self, before: datetime, limit: int) -> Sequence[RunRow]:
        found = [
            run
            for run in (self.runs[each] for each in self._open)
            if run.nudged_at is not None
            and run.nudged_at < before
            and not run.pending
            and (run.state.waiting or (run.state is State.RUNNING and (run.token or "").startswith(WAITS)))
        ]
        found.sort(key=lambda run: run.nudged_at or before)
        return self._with_ancestors([run.id for run in found[:limit]])

    def ended_children(self, run: RunRow, limit: int) -> Sequence[EndedChild]:
        found = [
            EndedChild(child.id, child.state, child.batch, child.token)
            for child in self.children.values()
            if child.run_id == run.id and child.state.ended and not child.told
        ]
        self.counts[-1].read += len(found[:limit])
        return found[:limit]

    def unkilled_children(self, limit: int) -> Sequence[str]:
        found = {
            child.run_id: None
            for child in self.children.values()
            if not child.state.ended and child.run_id in self.runs and self.runs[child.run_id].state is State.KILLED
        }
        return list(found)[:limit]

    def group_is_served(self, key: str) -> bool:
        return key in self.served

    def missing_batches(self, run: RunRow, below: int, limit: int) -> Sequence[int]:
        there = {child.batch for child in self.children.values() if child.run_id == run.id and child.token == run.token}
        return [batch for batch in range(below) if batch not in there][:limit]

    # Save

    def save(self, frontier: Frontier, decision: Decision) -> None:
        """Check what a step decided, then make it so."""
        self._check_writes(frontier, decision)
        self._delete_below(decision.emptied)
        for run in (*decision.updated, *decision.inserted):
            self._write(run)
        if decision.execution_changed:
            self.counts[-1].execution_written = True
            outputs = frontier.execution.outputs
            self.execution = copy_execution(frontier.execution)
            if outputs is NOT_LOADED:
                self.execution.outputs = NOT_LOADED
        self.loop_values.update(decision.loop_values)
        for child_id in decision.told:
            self.children[child_id].told = True
        self._save_timers(decision)
        self.counts[-1].written = len(decision.updated) + len(decision.inserted) + decision.execution_changed
        root = self.execution.cursor
        if self.execution.state in KILLED_OFF or (self.execution.state.ended and root is not None and root.open > 0):
            # What a sweep ends is not folded into its frame.
            self.swept = True
        if self.check:
            self.check_frames({run.parent_id or self.execution.id for run in (*decision.updated, *decision.inserted)})

    def _check_writes(self, frontier: Frontier, decision: Decision) -> None:
        for run in decision.updated:
            assert run.id in self._loaded, f"{run.task_id} was written but never loaded"
            assert frontier.runs[run.id] is run
        for run in decision.inserted:
            assert run.id not in self.runs
            place = (run.parent_id or self.execution.id, run.branch, run.lane, run.idx)
            taken = self.places.get(place)
            gone = taken is not None and any(each in self.runs[taken].ancestors for each in decision.emptied)
            assert taken is None or gone, f"{run.task_id} takes the place {place} of another run"
        written = {run.id for run in decision.updated}
        for run_id, before in self._loaded.items():
            now = frontier.runs.get(run_id)
            if now is not None and run_id not in written:
                assert now == before, f"{now.task_id} changed, but the decision does not say so"
        if not decision.execution_changed:
            assert replace(frontier.execution, outputs=NOT_LOADED) == replace(self.execution, outputs=NOT_LOADED)
        if decision.claimed is not None:
            assert held(decision.claimed)
        assert len({run.id for run in decision.updated}) == len(decision.updated)

    def _write(self, run: RunRow) -> None:
        if run.outputs is not NOT_LOADED:
            self.outputs[run.id] = run.outputs
        row = replace(copy_run(run), outputs=NOT_LOADED)
        frame_id = run.parent_id or self.execution.id
        if run.id not in self.runs:
            place = (frame_id, run.branch, run.lane, run.idx)
            assert place not in self.places, f"{run.task_id} takes the place {place} of another run"
            self.places[place] = run.id
            self._by_frame[frame_id].append(run.id)
        self.runs[run.id] = row
        self.index(row)

    def index(self, row: RunRow) -> None:
        """Keep the partial indexes: open runs, pending runs, both in order of ``seq``."""
        if row.state.ended:
            self._open.pop(row.id, None)
        elif row.id not in self._open:
            self._open[row.id] = None
            if len(self._open) > 1 and row.id in self.runs:
                self._resort(self._open)
        if not row.pending:
            self._pending.pop(row.id, None)
        elif row.id not in self._pending:
            self._pending[row.id] = None
            self._resort(self._pending)

    def _resort(self, index: dict[str, None]) -> None:
        # Ids of the tests grow with time, so they order like ``seq``; a new row nearly always belongs at the end.
        *rest, last = index
        if rest and last < rest[-1]:
            ordered = sorted(index)
            index.clear()
            index.update(dict.fromkeys(ordered))

    def _save_timers(self, decision: Decision) -> None:
        for timer in decision.timers:
            if isinstance(timer, SetTimer):
                self.timers[timer.kind, timer.key] = timer.due
            else:
                self.timers.pop((timer.kind, timer.key), None)

    def _delete_below(self, frame_ids: Sequence[str]) -> None:
        gone = set(frame_ids)
        if gone:
            for each in [run.id for run in self.runs.values() if not gone.isdisjoint(run.ancestors)]:
                self._delete(each)

    def _delete(self, run_id: str) -> None:
        run = self.runs.pop(run_id)
        frame_id = run.parent_id or self.execution.id
        del self.places[frame_id, run.branch, run.lane, run.idx]
        self._by_frame[frame_id].remove(run_id)
        self._open.pop(run_id, None)
        self._pending.pop(run_id, None)

    # What must hold

    def children_of(self, frame_id: str) -> list[RunRow]:
        """The direct children of a frame."""
        return [self.runs[each] for each in self._by_frame.get(frame_id, ())]

    def check_frames(self, frame_ids: set[str] | None = None) -> None:
        """Every cursor is what its children's rows call for."""
        if self.swept:
            return
        frames: list[Frame] = [self.execution, *self.runs.values()]
        for frame in frames:
            if frame.cursor is None or (frame_ids is not None and frame.id not in frame_ids):
                continue
            if isinstance(frame, RunRow) and self.flow.task(frame.task_id).frame is None:
                continue
            found = differences(frame.cursor, rebuild(self.flow, frame, self.children_of(frame.id)))
            assert not found, f"cursor of {frame.id}: {found}"

    def in_listeners(self, run: RunRow) -> bool:
        return (self.runs[run.ancestors[0]] if run.ancestors else run).branch == LISTENERS

    def open_left(self) -> list[RunRow]:
        return [self.runs[each] for each in self._open]
