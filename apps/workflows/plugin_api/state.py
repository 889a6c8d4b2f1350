"""State of an execution, a task run or an attempt, in the words of the API."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The one list of states that executions, task runs and attempts share."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    RESTARTED = "RESTARTED"
    KILLING = "KILLING"
    SUCCESS = "SUCCESS"
    WARNING = "WARNING"
    FAILED = "FAILED"
    KILLED = "KILLED"
    CANCELLED = "CANCELLED"
    QUEUED = "QUEUED"
    RETRYING = "RETRYING"
    RETRIED = "RETRIED"
    SKIPPED = "SKIPPED"

    @property
    def ended(self) -> bool:
        """True for the terminal states: nothing moves from here but by a person's hand."""
        return self in ENDED

    @property
    def waiting(self) -> bool:
        """True while a task run waits for a worker: CREATED, or RESTARTED by a person."""
        return self in WAITING


ENDED = frozenset(
    {State.FAILED, State.WARNING, State.SUCCESS, State.KILLED, State.CANCELLED, State.RETRIED, State.SKIPPED}
)
WAITING = frozenset({State.CREATED, State.RESTARTED})
