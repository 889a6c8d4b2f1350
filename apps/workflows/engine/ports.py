"""The doors to what is not in the frontier; all read-only (engine-frames §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apps.workflows.engine.frontier import Frame, RunRow


class RenderFailed(Exception):
    """An expression could not be rendered; the message is ready for the log."""


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
        """Task runs that have not ended, in order of ``seq``; with ancestors."""
        ...

    def claimed_left(self) -> bool:
        """Whether any task run of the execution is held by a worker's claim (trap 19)."""
        ...

    def waiting_long(self, before: Any, limit: int) -> Sequence[RunRow]:
        """Unclaimed runs CREATED or RESTARTED that were nudged before a moment, oldest nudge first; with ancestors."""
        ...

    def ended_children(self, run: RunRow, limit: int) -> Sequence[tuple[str, str, int | None]]:
        """Ended child executions of a run not yet told: (execution id, state, batch)."""
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


@dataclass(frozen=True, slots=True)
class Ports:
    """The four doors in one hand."""

    render: Render
    look: Look
    claim: Claim
    new_id: NewId
    slice: int = 200
    """Most rows one step creates or revisits."""
