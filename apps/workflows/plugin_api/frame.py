"""What a flowable task declares to the engine: its lists, lanes, limit and control expression.

The engine knows no class name: a new kind of flowable is a new declaration. Words of the engine: a *frame* is a
row that has children, a *lane* a list of tasks that run one after another inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.workflows.plugin_api.task import Task


class Lanes(StrEnum):
    """How the main list is cut into lanes."""

    ONE = "one"
    """One lane with the whole list (Sequential, If, Switch, the flow itself)."""
    PER_TASK = "per_task"
    """A lane for each task (Parallel)."""
    PER_VALUE = "per_value"
    """A lane for each value, holding the whole list (ForEach, EachSequential)."""
    PER_VALUE_AND_TASK = "per_value_and_task"
    """A lane for each (value, task), value first (EachParallel)."""
    GATED = "gated"
    """A lane for each task, started when the tasks it depends on have ended (Dag)."""


class Kind(StrEnum):
    """What a flowable does beyond running its lanes."""

    PLAIN = "plain"
    ALLOW_FAILURE = "allow_failure"
    PAUSE = "pause"
    WAIT_FOR = "wait_for"
    WORKING_DIRECTORY = "working_directory"
    FOR_EACH_ITEM = "for_each_item"


@dataclass(frozen=True, slots=True)
class PauseSpec:
    """Times of a Kind.PAUSE flowable: each a ``Property[Duration]``, a timedelta, or None; and what resumes it."""

    delay: Any = None
    """After it the pause ends by itself."""
    timeout: Any = None
    """After it (when there is no delay) the pause fails."""
    on_resume: tuple[Any, ...] = ()
    """Inputs (``plugin_api.inputs``) that who resumes it must give; they become its output ``onResume``."""


@dataclass(frozen=True, slots=True)
class RepeatSpec:
    """When a Kind.WAIT_FOR flowable runs its list again. Times are ``Property[Duration]`` or timedelta."""

    condition: str
    """True ends the turns. Rendered after each turn, with the outputs of its tasks."""
    interval: Any
    """Time between two turns."""
    max_iterations: Any = None
    """Most turns: a number or an expression of one."""
    max_duration: Any = None
    """Time from the start after which no turn begins."""
    fail_on_max: bool = False
    """Whether the task fails when a limit is reached and the condition is still not met."""


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """The shape of a flowable task.

    ``lists`` maps a list's name to its tasks: ``main`` for most, ``then``/``else``, ``case:X``/``default``. ``limit``
    is the number of lanes open at once, 0 for no limit. ``depends_on`` (Lanes.GATED) maps a task id to those it waits
    for. ``control`` is what is rendered once when the frame opens: a text or a tree of texts (None: nothing).
    ``pause`` goes with Kind.PAUSE, ``repeat`` with Kind.WAIT_FOR.
    """

    lanes: Lanes
    lists: Mapping[str, tuple[Task, ...]]
    limit: int = 1
    errors: tuple[Task, ...] = ()
    finals: tuple[Task, ...] = ()
    kind: Kind = Kind.PLAIN
    control: Any = None
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pause: PauseSpec | None = None
    repeat: RepeatSpec | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The answer of a flowable to its rendered control expression; kept on the task run and never asked again.

    ``chosen`` names the list to run (None: nothing to run, the frame ends SUCCESS). ``values`` are the loop's values
    as text, in order and without duplicates. ``outputs`` become the task run's outputs.
    """

    chosen: str | None = "main"
    values: tuple[str, ...] | None = None
    outputs: dict[str, Any] | None = None
