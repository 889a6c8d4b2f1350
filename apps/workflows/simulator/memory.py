"""One execution in memory: its rows, what the engine looks up in them, and what its decisions make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apps.workflows.engine.claims import WAITS, held
from apps.workflows.engine.commands import LogLine, SetTimer
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import NOT_LOADED, ExecutionRow, Frame, Frontier, RunRow
from apps.workflows.engine.ports import EndedChild
from apps.workflows.plugin_api.state import State


@dataclass
class Child:
    """An execution that a task run started; its end comes from the task's mock."""

    id: str
    run_id: str
    token: str
    batch: int | None
    state: State = State.RUNNING
    told: bool = False


@dataclass
class MemoryExecution:
    """Rows in the order they were made. A step works on them in place: there is only this one."""

    execution: ExecutionRow
    absent_groups: frozenset[str] = frozenset()
    runs: dict[str, RunRow] = field(default_factory=dict)
    loop_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    timers: dict[tuple[str, str], datetime] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    logs: list[LogLine] = field(default_factory=list)

    def load(self, run_id: str | None) -> Frontier:
        """What a step about a run begins with."""
        frontier = Frontier(self.execution)
        if run_id in self.runs:
            for each in (*self.runs[run_id].ancestors, run_id):
                frontier.runs[each] = self.runs[each]
        return frontier

    def save(self, decision: Decision) -> None:
        """Make a decision so."""
        for run_id in [row.id for row in self.runs.values() if not set(decision.emptied).isdisjoint(row.ancestors)]:
            del self.runs[run_id]
        self.runs |= {run.id: run for run in decision.inserted}
        self.loop_values |= decision.loop_values
        for child_id in decision.told:
            self.children[child_id].told = True
        for timer in decision.timers:
            if isinstance(timer, SetTimer):
                self.timers[timer.kind, timer.key] = timer.due
            else:
                self.timers.pop((timer.kind, timer.key), None)
        self.logs += decision.logs

    def outputs_of(self, run: RunRow) -> dict[str, object] | None:
        """The outputs of a run; None when it has none."""
        return None if run.outputs is NOT_LOADED else run.outputs

    def values_of(self, run: RunRow) -> tuple[str, ...]:
        """The values of the loops a run lies in, outermost first."""
        rows = [*(self.runs[each] for each in run.ancestors), run]
        return tuple(row.value for row in rows if row.value is not None)

    # What the engine looks up

    def loop_value(self, frame: RunRow, index: int) -> str:
        return self.loop_values[frame.id][index]

    def child_at(self, frame: Frame, branch: str, lane: int, idx: int) -> RunRow | None:
        place = (frame.id, branch, lane, idx)
        rows = self.runs.values()
        return next((r for r in rows if (r.parent_id or self.execution.id, r.branch, r.lane, r.idx) == place), None)

    def pending(self, limit: int) -> Sequence[RunRow]:
        return self._with_ancestors([run for run in self.runs.values() if run.pending][:limit])

    def open_runs(self, limit: int) -> Sequence[RunRow]:
        return self._with_ancestors([run for run in self._open() if not held(run)][:limit])

    def last_open(self) -> RunRow | None:
        return next(reversed(self._open()), None)

    def first_paused(self) -> RunRow | None:
        return next((run for run in self._open() if run.state is State.PAUSED), None)

    def held_runs(self, limit: int) -> Sequence[tuple[str, str]]:
        return [(run.id, run.token or "") for run in self._open() if held(run)][:limit]

    def waiting_long(self, before: datetime, limit: int) -> Sequence[RunRow]:
        found = [
            run
            for run in self._open()
            if run.nudged_at is not None
            and run.nudged_at < before
            and not run.pending
            and (run.state.waiting or (run.token or "").startswith(WAITS))
        ]
        return self._with_ancestors(found[:limit])

    def ended_children(self, run: RunRow, limit: int) -> Sequence[EndedChild]:
        found = [
            EndedChild(child.id, child.state, child.batch, child.token)
            for child in self.children.values()
            if child.run_id == run.id and child.state.ended and not child.told
        ]
        return found[:limit]

    def unkilled_children(self, limit: int) -> Sequence[str]:
        killed = {run.id for run in self.runs.values() if run.state is State.KILLED}
        found = {each.run_id for each in self.children.values() if not each.state.ended and each.run_id in killed}
        return sorted(found)[:limit]

    def group_is_served(self, key: str) -> bool:
        return key not in self.absent_groups

    def missing_batches(self, run: RunRow, below: int, limit: int) -> Sequence[int]:
        there = {each.batch for each in self.children.values() if each.run_id == run.id and each.token == run.token}
        return [batch for batch in range(below) if batch not in there][:limit]

    def _open(self) -> list[RunRow]:
        return [run for run in self.runs.values() if not run.state.ended]

    def _with_ancestors(self, runs: list[RunRow]) -> list[RunRow]:
        ids = dict.fromkeys(each for run in runs for each in (*run.ancestors, run.id))
        return sorted((self.runs[each] for each in ids), key=lambda row: len(row.ancestors))
