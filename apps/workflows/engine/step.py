"""Step: what one call of ``decide`` works with: the rows it holds, its queue, and the decision it grows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from apps.workflows.engine.claims import held
from apps.workflows.engine.commands import Command, DropTimer, LogLine, SetTimer
from apps.workflows.engine.compiled_flow import CompiledFlow, CompiledFrame, CompiledTask
from apps.workflows.engine.cursor import LISTENERS, MAIN, Cursor
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.frontier import ExecutionRow, Frame, Frontier, RunRow
from apps.workflows.engine.ports import Ports
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level

WATCH_EVERY: Final = timedelta(seconds=30)
"""How long a lost message stays unnoticed at most."""
LIVE: Final = frozenset({State.RUNNING, State.RETRYING, State.PAUSED})
"""States of an execution in which its task runs may move."""


class Step:
    """The working state of one step. ``room`` is what is left of the slice; ``more`` asks for a Continue."""

    __slots__ = (
        "_fresh",
        "_timers",
        "_touched",
        "decision",
        "execution",
        "flow",
        "more",
        "now",
        "paused_before",
        "ports",
        "queue",
        "room",
        "runs",
        "was_pending",
    )

    def __init__(self, flow: CompiledFlow, frontier: Frontier, now: datetime, ports: Ports) -> None:
        self.flow = flow
        self.execution: ExecutionRow = frontier.execution
        self.runs = frontier.runs
        self.now = now
        self.ports = ports
        self.decision = Decision()
        self.queue: deque[Frame] = deque()
        self.room = ports.slice
        self.more = False
        self.paused_before = 0
        self.was_pending: set[str] = set()
        self._touched: dict[str, RunRow] = {}
        self._fresh: dict[str, RunRow] = {}
        self._timers: dict[tuple[str, str], SetTimer | DropTimer] = {}

    # Rows

    def task_of(self, run: RunRow) -> CompiledTask:
        """The task a run is of."""
        return self.flow.task(run.task_id)

    def shape(self, frame: Frame) -> CompiledFrame:
        """The lists of a frame."""
        if isinstance(frame, ExecutionRow):
            return self.flow.root
        shape = self.flow.task(frame.task_id).frame
        if shape is None:
            raise LookupError(f"Task run {frame.id} of {frame.task_id} has children, but its task is not flowable")
        return shape

    def frame_of(self, run: RunRow) -> Frame:
        """The frame a run lies in."""
        return self.execution if run.parent_id is None else self.runs[run.parent_id]

    def cursor_of(self, frame: Frame) -> Cursor:
        """The cursor of a frame that has begun."""
        if frame.cursor is None:
            raise LookupError(f"Frame {frame.id} of execution {self.execution.id} has not begun: it has no cursor")
        return frame.cursor

    def in_listeners(self, run: RunRow) -> bool:
        """Whether the run lies below the listeners, which run after the end."""
        outermost = self.runs[run.ancestors[0]] if run.ancestors else run
        return outermost.branch == LISTENERS

    def in_held_unit(self, run: RunRow) -> bool:
        """Whether the run is a main child of a WorkingDirectory that a worker holds, or that unit itself."""
        task = self.task_of(run)
        if task.in_unit and run.branch == MAIN and run.parent_id is not None:
            return held(self.runs[run.parent_id])
        return self.holds_unit(run)

    def holds_unit(self, frame: Frame) -> bool:
        """Whether the frame is a WorkingDirectory under a worker's claim."""
        return isinstance(frame, RunRow) and held(frame) and self.shape_is_unit(frame)

    def shape_is_unit(self, run: RunRow) -> bool:
        """Whether the run's task is a WorkingDirectory."""
        shape = self.task_of(run).frame
        return shape is not None and shape.is_unit

    def adopt(self, rows: Iterable[RunRow]) -> list[RunRow]:
        """Take rows that ``look`` answered into the step; for one already here, the step's own object is answered."""
        return [self.runs.setdefault(row.id, row) for row in rows]

    def touch(self, frame: Frame) -> None:
        """The frame's or run's columns change in this step."""
        if isinstance(frame, ExecutionRow):
            self.decision.execution_changed = True
        elif frame.id not in self._fresh:
            self._touched[frame.id] = frame

    def insert(self, run: RunRow) -> None:
        """A new run."""
        self.runs[run.id] = run
        self._fresh[run.id] = run

    def empty(self, frame: RunRow) -> None:
        """Delete everything below a frame."""
        self.decision.emptied.append(frame.id)
        for held_rows in (self._touched, self._fresh, self.runs):
            for run_id in [row.id for row in held_rows.values() if frame.id in row.ancestors]:
                del held_rows[run_id]

    # The queue

    def push(self, frame: Frame) -> None:
        """The engine owes this row a fold, a question or a send."""
        frame.pending = True
        self.queue.append(frame)

    def owe(self, frame: Frame) -> None:
        """The slice is used up: this row waits for the next step."""
        frame.pending = True
        self.touch(frame)
        self.more = True

    # What goes out

    def enter(self, state: State) -> None:
        """The execution's state, with its history."""
        if self.execution.enter(state, self.now):
            self.decision.execution_changed = True
            self.decision.entered.append(state.value)

    def command(self, command: Command) -> None:
        """To be sent after the commit."""
        self.decision.commands.append(command)

    def set_timer(self, kind: str, key: str, due: datetime) -> None:
        """Write or move a timer of this execution."""
        self._timers[kind, key] = SetTimer(kind, key, due)

    def drop_timer(self, kind: str, key: str = "") -> None:
        """Delete a timer of this execution."""
        self._timers[kind, key] = DropTimer(kind, key)

    def duration(self, written: Any, run: RunRow) -> timedelta:
        """A time as a task says it. RenderFailed."""
        return timedelta(seconds=self.ports.render.duration(written, run))

    def log(self, level: Level, run: RunRow | None, message: str) -> None:
        """A line of the engine's own."""
        attempt = max(len(run.attempts) - 1, 0) if run is not None else 0
        self.decision.logs.append(
            LogLine(
                run.id if run is not None else None,
                run.task_id if run is not None else None,
                level,
                message,
                self.now,
                attempt,
            )
        )

    def close(self) -> Decision:
        """The decision, with its rows in an order that satisfies parents first."""
        self.decision.inserted = list(self._fresh.values())
        self.decision.updated = list(self._touched.values())
        self.decision.timers = list(self._timers.values())
        return self.decision
