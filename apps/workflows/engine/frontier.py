"""The rows a step sees: the execution, the task runs the event touches, and their ancestors (engine-frames §2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from apps.workflows.engine.cursor import MAIN, Cursor
from apps.workflows.plugin_api.state import State


class _NotLoaded:
    """Marks a big value that was not read with its row, and so must not be written."""

    def __repr__(self) -> str:
        return "NOT_LOADED"


NOT_LOADED: Final = _NotLoaded()


@dataclass(slots=True)
class Change:
    """One entry of a history: the state, and since when."""

    state: State
    date: datetime


@dataclass(slots=True)
class Attempt:
    """One try of a task run."""

    histories: list[Change]
    log_file: str | None = None

    @property
    def state(self) -> State:
        """The try's current state."""
        return self.histories[-1].state


@dataclass(slots=True)
class ExecutionRow:
    """The execution, which is the root frame. Columns as in engine-frames §2."""

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    state: State
    histories: list[Change]
    labels: list[tuple[str, str]] = field(default_factory=list)
    outputs: Any = NOT_LOADED
    cursor: Cursor | None = None
    pending: bool = False
    paused: int = 0
    hold: bool = False
    slot: bool = False
    parent_execution_id: str | None = None
    parent_run_id: str | None = None
    parent_token: str | None = None
    batch: int | None = None
    told: bool = False
    attempt_number: int = 1
    original_id: str | None = None
    original_created: datetime | None = None
    schedule_date: datetime | None = None
    error: str | None = None
    """First line of what made it fail, for lists."""

    @property
    def id_key(self) -> str:
        """Same name as on a task run, so that both are frames."""
        return self.id

    def enter(self, state: State, now: datetime) -> bool:
        """Set the state and write it into the history; False (and nothing done) when it has that state already."""
        if self.state is state:
            return False
        self.state = state
        self.histories.append(Change(state, now))
        return True


@dataclass(slots=True)
class RunRow:
    """A task run. Columns as in engine-frames §2."""

    id: str
    task_id: str
    state: State
    histories: list[Change]
    parent_id: str | None = None
    ancestors: tuple[str, ...] = ()
    branch: str = MAIN
    lane: int = 0
    idx: int = 0
    loop_key: bytes = b""
    value: str | None = None
    iteration: int | None = None
    attempts: list[Attempt] = field(default_factory=list)
    outputs: Any = NOT_LOADED
    pending: bool = False
    token: str | None = None
    nudged_at: datetime | None = None
    """Since when it waits for a worker or a subflow, or until when it sleeps; None while a worker holds it."""
    cursor: Cursor | None = None

    def enter(self, state: State, now: datetime) -> bool:
        """Set the state and write it into the history; False (and nothing done) when it has that state already."""
        if self.state is state:
            return False
        self.state = state
        self.histories.append(Change(state, now))
        return True


@dataclass(slots=True)
class Frontier:
    """What a step holds, by task-run id. The step owns these rows: ``decide`` changes them and says which it did."""

    execution: ExecutionRow
    runs: dict[str, RunRow] = field(default_factory=dict)


Frame = ExecutionRow | RunRow
