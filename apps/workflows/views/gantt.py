"""Task runs as bars on a common time axis."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from apps.common.clock import now
from apps.common.display import duration
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.task_tree import TreeRun, read_tree
from apps.workflows.views.execution_view import ExecutionView

TICKS: Final = 5
_WAITING: Final = frozenset({State.CREATED, State.RESTARTED, State.QUEUED, State.RETRYING})


@dataclass(frozen=True)
class Bar:
    """A piece of a row, from and to in percent of the axis. `kind` is wait, pause, run or parent."""

    kind: str
    state: str
    start: float
    end: float


@dataclass(frozen=True)
class GanttRow:
    """One line: a task run, how deep it lies, its bars, and how long it took (None while it goes on)."""

    run: TreeRun
    depth: int
    bars: list[Bar]
    took: timedelta | None
    closed: bool
    opened: bool = False

    @property
    def indent(self) -> int:
        """Steps of the name; deep ones share the last, so that names stay readable."""
        return min(self.depth, 6)


@dataclass(frozen=True)
class Drawing:
    """The rows of a page and their axis.

    `more` are (frame, number to go on after, depth); the frame is empty for the execution itself.
    """

    rows: list[GanttRow]
    ticks: list[str]
    more: list[tuple[str, int, int]] = field(default_factory=list)


def draw_tree(
    execution: ExecutionView,
    *,
    parent_id: str | None = None,
    after: int = 0,
    depth: int = 0,
    opened: frozenset[str] = frozenset(),
) -> Drawing:
    """A page of task runs below a frame (None: the execution), the frames in `opened` open."""
    level = read_tree(execution.id, parent_id=parent_id, after=after, opened=opened)
    start, end = execution.started, execution.end or now()
    if level.rows:
        # children that end after the execution (afterExecution) and clocks that differ a little
        end = max(end, max(run.changes[-1][1] for _, run in level.rows))
    span = max((end - start).total_seconds(), 0.001)
    rows = [
        _row(run, depth + below, closed=run.id in level.closed, opened=run.id in opened, axis=(start, end, span))
        for below, run in level.rows
    ]
    more = [(parent or "", number, depth) for parent, number in level.more.items()]
    ticks = [duration(timedelta(seconds=span * number / (TICKS - 1))) for number in range(TICKS)]
    return Drawing(rows, ["0", *ticks[1:]], more)


def _row(run: TreeRun, depth: int, *, closed: bool, opened: bool, axis: tuple[datetime, datetime, float]) -> GanttRow:
    start, end, span = axis
    ended = State(run.state).ended
    last = run.changes[-1][1] if ended else end

    def place(moment: datetime) -> float:
        return round(min(100.0, max(0.0, (moment - start).total_seconds() / span * 100)), 2)

    bars = [Bar("parent", run.state, place(run.changes[0][1]), place(last))] if run.is_frame else []
    paused = [(State.PAUSED, begun, over) for state, begun, over in _pieces(run, last) if state is State.PAUSED]
    for state, begun, over in paused if run.is_frame else _pieces(run, last):
        kind = "wait" if state in _WAITING else "pause" if state is State.PAUSED else "run"
        bar = Bar(kind, state, place(begun), place(over))
        if kind == "run" or bar.end - bar.start > 0.2:
            bars.append(bar)
    return GanttRow(run, depth, bars, last - run.started if ended else None, closed, opened)


def _pieces(run: TreeRun, last: datetime) -> list[tuple[State, datetime, datetime]]:
    """(state, from, to) of a task run's life. What ran is told by how it came out, or by how it stands.

    A run without any piece of work (skipped, killed before it began) is one point.
    """
    entered = [(State(state), moment) for state, moment in run.changes]
    pieces = []
    for (state, begun), (after, over) in zip(entered, [*entered[1:], (State(run.state), last)], strict=True):
        if state in _WAITING or state is State.PAUSED:
            pieces.append((state, begun, over))
        elif not state.ended:
            failed = after in {State.RETRYING, State.RESTARTED}
            pieces.append((State.FAILED if failed else after, begun, over))
    if all(state in _WAITING for state, _, _ in pieces) and State(run.state).ended:
        pieces.append((State(run.state), last, last))
    return pieces
