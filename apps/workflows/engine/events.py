"""What happened: the events a step is given (engine-frames §3). Past tense, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.workflows.plugin_api.state import State


@dataclass(frozen=True, slots=True)
class Created:
    """The execution's row was made; it may begin."""


@dataclass(frozen=True, slots=True)
class SlotFreed:
    """A place of the flow's concurrency limit is free, or a person forces the start."""

    force: bool = False


@dataclass(frozen=True, slots=True)
class InnerRun:
    """What a task ran inside itself and wants shown as a task run of its own: a node of a dbt project."""

    task_id: str
    state: State
    started: datetime
    ended: datetime
    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TaskRunEnded:
    """A worker's result. ``state`` is what the attempt ended as, ``ended`` when, by the worker's clock. ``inner`` are
    runs to show below this one, all ended; a later try replaces them."""

    run_id: str
    token: str
    state: State
    outputs: Mapping[str, Any] | None
    ended: datetime
    log_file: str | None = None
    inner: tuple[InnerRun, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitOpened:
    """A worker claimed a WorkingDirectory and its folder stands."""

    run_id: str
    token: str


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker that held the claim is gone."""

    run_id: str
    token: str


@dataclass(frozen=True, slots=True)
class ChildrenEnded:
    """A subflow of this run ended; carries nothing, the step looks."""

    run_id: str


@dataclass(frozen=True, slots=True)
class StartAccepted:
    """An execution this run asked for exists (made now or before)."""

    run_id: str
    token: str


@dataclass(frozen=True, slots=True)
class StartRefused:
    """A subflow could not be created."""

    run_id: str
    token: str
    message: str


@dataclass(frozen=True, slots=True)
class Woken:
    """A timer is due. ``kind``: watch, continue, schedule, sla, new_execution (key ''); retry, sleep, timeout, delay,
    pause_timeout, loop (key: the task run's id, whose row is in the frontier).

    A timer stays, moved into the future by whoever sends this, until a step drops or moves it.
    """

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Continue:
    """An earlier step had more to do than one slice."""


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """A person holds the execution."""


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """A person (or a Resume task) lets it go on. ``run_id`` None: the first paused run."""

    run_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KillRequested:
    """A person ends it."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The surgery of a restart, replay or set state is done; go on from there."""


RunEvent = TaskRunEnded | UnitOpened | WorkerLost | ChildrenEnded | StartAccepted | StartRefused
"""Events that name a task run, which is then in the frontier with its ancestors."""

ExecutionEvent = Created | SlotFreed | Woken | Continue | PauseRequested | ResumeRequested | KillRequested | Restarted
"""Events of the execution as a whole. Where one names a task run (``Woken.key``, ``ResumeRequested.run_id``), that is
in the frontier too."""

Event = RunEvent | ExecutionEvent
