"""The doors to what is not in the frontier; all read-only (engine-frames §3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apps.workflows.engine.frontier import Frame, RunRow
from apps.workflows.plugin_api.state import State


class RenderFailed(Exception):
    """An expression could not be rendered; the message is ready for the log. ``outputs`` are known all the same."""

    def __init__(self, message: str, outputs: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.outputs = outputs


class Render(Protocol):
    """Expressions, with the variables of an execution and (when given) of one of its task runs."""

    def __call__(self, template: Any, run: RunRow | None) -> Any:
        """A text rendered to text; a map or list rendered through. RenderFailed when it cannot be."""
        ...

    def condition(self, template: str, run: RunRow | None) -> bool:
        """The truth of a rendered text (false for 'false', '0', '-0', ''). RenderFailed."""
        ...

    def duration(self, template: Any, run: RunRow | None) -> float:
        """Seconds of a ``Property[Duration]`` or a plain duration. RenderFailed."""
        ...

    def flow_outputs(self) -> dict[str, Any]:
        """The flow's declared outputs, typed; called when the execution ends. RenderFailed."""
        ...

    def listener(self, index: int) -> bool:
        """Whether the conditions of the flow's listener number ``index`` hold for the ended execution."""
        ...

    def child_outputs(self, run: RunRow, child_id: str) -> dict[str, Any]:
        """Outputs of a subflow's task run whose execution has ended (or, unawaited, begun). RenderFailed."""
        ...

    def batch_outputs(self, run: RunRow, iterations: Mapping[str, int]) -> dict[str, Any]:
        """Outputs of a run that started an execution per batch; ``iterations`` counts them by state. RenderFailed."""
        ...


@dataclass(frozen=True, slots=True)
class EndedChild:
    """An ended execution that was started by a task run."""

    id: str
    state: State
    batch: int | None
    token: str | None
    """Its ``parent_token``: the try of the task run that started it."""


class Look(Protocol):
    """Rows that are not in the frontier, each by one indexed query. Rows it answers are locked and belong to the
    step from then on (the engine puts them into its frontier)."""

    def loop_value(self, frame: RunRow, index: int) -> str:
        """The value number ``index`` of an open loop."""
        ...

    def child_at(self, frame: Frame, branch: str, lane: int, idx: int) -> RunRow | None:
        """The child of a frame at a place of a lane."""
        ...

    def pending(self, limit: int) -> Sequence[RunRow]:
        """Task runs with ``pending`` in order of ``seq``; their ancestors come with them (parents first)."""
        ...

    def open_runs(self, limit: int) -> Sequence[RunRow]:
        """Task runs that have not ended and are not held by a worker (``claims.held``), in order of ``seq``; with
        ancestors."""
        ...

    def last_open(self) -> RunRow | None:
        """The youngest task run that has not ended, held by a worker or not."""
        ...

    def first_paused(self) -> RunRow | None:
        """The oldest task run that is PAUSED; its ancestors are put into the frontier."""
        ...

    def held_runs(self, limit: int) -> Sequence[tuple[str, str]]:
        """(task run id, token) of task runs held by a worker. Not locked: they do not join the step."""
        ...

    def waiting_long(self, before: datetime, limit: int) -> Sequence[RunRow]:
        """Task runs not ``pending`` that wait for a worker (CREATED or RESTARTED) or for subflows (RUNNING with a
        ``claims.WAITS`` token), with ``nudged_at`` before a moment, oldest first; with ancestors."""
        ...

    def ended_children(self, run: RunRow, limit: int) -> Sequence[EndedChild]:
        """Ended child executions of a run not yet told, of all its tries."""
        ...

    def unkilled_children(self, limit: int) -> Sequence[str]:
        """Task runs of this execution that are KILLED while an execution they started has not ended."""
        ...

    def group_is_served(self, key: str) -> bool:
        """Whether a worker of a group is running. Asked only for tasks that do not want to wait for one."""
        ...

    def missing_batches(self, run: RunRow, below: int, limit: int) -> Sequence[int]:
        """Batches from 0 and below ``below`` for which no child execution with the run's token exists."""
        ...


class Claim(Protocol):
    """Whether the process that makes this step may run a task itself, at once."""

    def __call__(self, run: RunRow, task_index: int) -> str | None:
        """A claim token, or None to send the task to the workers instead. Asked at most once with a yes per step."""
        ...


class NewId(Protocol):
    """Source of time-ordered ids for new rows, and of chance for random retries."""

    def __call__(self) -> str:
        """A new id."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1)."""
        ...


class TakeSlot(Protocol):
    """The places of the flow's concurrency limit."""

    def __call__(self, limit: int) -> bool:
        """Take a place in this transaction if fewer than ``limit`` are taken. False: none is free."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The doors in one hand."""

    render: Render
    look: Look
    claim: Claim
    new_id: NewId
    take_slot: TakeSlot
    slice: int = 200
    """Most rows one step creates or revisits."""
