"""What is to be done after the commit, and the timers and lines that go with it. Imperative, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.workflows.plugin_api.task import Level, WorkerGroup


@dataclass(frozen=True, slots=True)
class RunTask:
    """Tell the workers of a group that a task run waits to be claimed. ``computed``: the group's key comes from an
    expression, so only this message, not the flow, tells whose it is."""

    run_id: str
    worker_group: WorkerGroup | None = None
    computed: bool = False


@dataclass(frozen=True, slots=True)
class KillTask:
    """Hurry the worker that holds this claim to look at its row. It goes on if it runs for a listener (the run, or its
    outermost ancestor, has branch ``l``) of an execution that has ended."""

    run_id: str
    token: str


@dataclass(frozen=True, slots=True)
class StartExecution:
    """Create the execution of a subflow. ``child_id`` is derived, so doing it twice is harmless.

    ``token`` goes into the child's ``parent_token``. Answered by StartAccepted or StartRefused.
    """

    run_id: str
    child_id: str
    token: str
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class KillChildren:
    """Kill the executions this run started."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RetryExecution:
    """Start the next execution of a CREATE_NEW_EXECUTION retry.

    Who creates it drops this execution's timer ``new_execution`` in the same transaction; until then it is sent again.
    """

    new_id: str


@dataclass(frozen=True, slots=True)
class AnnounceEnd:
    """The execution has ended: tell a waiting parent, flow triggers, and whoever queues for its slot."""

    slot_freed: bool


@dataclass(frozen=True, slots=True)
class Continue:
    """Send this execution another Continue event: the slice was used up."""


Command = RunTask | KillTask | StartExecution | KillChildren | RetryExecution | AnnounceEnd | Continue


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Write (or move) the timer of this execution with this kind and key; it fires ``Woken(kind, key)``."""

    kind: str
    key: str
    due: datetime


@dataclass(frozen=True, slots=True)
class DropTimer:
    """Delete a timer of this execution, if it is there."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line the engine itself writes, on a task run (or on none)."""

    run_id: str | None
    task_id: str | None
    level: Level
    message: str
    date: datetime
    attempt: int = 0
