"""Task: one step of a flow, typed by a plugin. Runnable tasks run on a worker, flowable ones start other tasks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr, StringConstraints

from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.frame import FrameSpec, Opening
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.retry import Retry
from apps.workflows.plugin_api.state import State

if TYPE_CHECKING:
    from apps.workflows.plugin_api.run_context import RunContext

TaskId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", min_length=1, max_length=255)]
"""Id of a task or trigger: it is a key of ``outputs``, so no dots."""


class Level(StrEnum):
    """Level of a log line, least first."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"

    @property
    def rank(self) -> int:
        """1 for TRACE … 5 for ERROR: what the database stores and compares."""
        return _RANKS[self]


_RANKS = {level: number for number, level in enumerate(Level, start=1)}


class WorkerGroupFallback(StrEnum):
    """What happens to a task whose worker group has no worker."""

    FAIL = "FAIL"
    WAIT = "WAIT"
    CANCEL = "CANCEL"


class WorkerGroup(PluginModel):
    """The pool of workers a task asks for."""

    key: str
    fallback: WorkerGroupFallback = WorkerGroupFallback.WAIT


class Output(PluginModel):
    """Base of a task's outputs. ``final_state`` (not shown) lets a task end WARNING, e.g. a script with stderr."""

    final_state: State | None = Field(default=None, exclude=True)


class Task(PluginModel):
    """What all tasks share (plugins.md B.3)."""

    id: TaskId = Field(title="Name of the task, unique in the flow; its outputs are read under it.")
    type: str = Field(title="The kind of task.")
    description: str | None = Field(default=None, title="What it is for, as Markdown.")
    retry: Retry | None = Field(default=None, title="When it is tried again after a failure.")
    timeout: Property[Duration] | None = Field(
        default=None, title="How long one try may take, as in `PT5M`; then it is ended and has failed."
    )
    disabled: bool = Field(default=False, title="Whether it is left out.")
    run_if: str = Field(default="true", title="The task is skipped when this is false; rendered.")
    allow_failure: bool = Field(default=False, title="Whether its failure is only a warning.")
    allow_warning: bool = Field(default=False, title="Whether its warning is a success.")
    log_level: Level | None = Field(default=None, title="The least level that is kept of its log.")
    log_to_file: bool = Field(default=False, title="Whether its log goes to a file in internal storage.")
    worker_group: WorkerGroup | None = Field(default=None, title="The pool of workers that runs it.")

    def children(self) -> tuple[Task, ...]:
        """The tasks written inside this one, in the order of the YAML; empty for a task that holds none."""
        return ()

    def check(self) -> list[str]:
        """What is wrong beyond types, as sentences; called when a flow is saved."""
        return []


class RunnableTask(Task):
    """A task whose ``run`` is user work: it runs on a worker, under a claim, with a time-out."""

    light: ClassVar[bool] = False
    """True when it may run inside the worker process without a thread of its own: it returns at once."""
    side_effects: ClassVar[bool] = True
    """False when running it twice is harmless and unseen, so that its commit need not wait for the disk."""

    def run(self, context: RunContext) -> Output | dict[str, Any] | None:
        """Do the work. Raise TaskFailed to fail with a message; any other exception fails it too."""
        raise NotImplementedError


class TimedTask(Task):
    """A task that only waits (Sleep): the engine keeps a timer, no worker is used."""

    def wait_for(self) -> Property[Duration]:
        """How long it waits from its start."""
        raise NotImplementedError


class LabelTask(Task):
    """A task that adds labels to its execution: done on the spot by the engine, no worker is used."""

    def template(self) -> Any:
        """What is rendered to get the labels: a text, or a tree of texts."""
        raise NotImplementedError

    def labels_from(self, rendered: Any) -> dict[str, str]:
        """The labels to set, replacing same keys. TaskFailed when they may not or cannot be set."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class FlowCall:
    """The flow an ExecutableTask starts, and with what. The host renders every text and every tree of texts here.

    For a batch, ``taskrun.items`` and ``taskrun.iteration`` (from 1) can be used in it.
    """

    namespace: str
    flow_id: str
    revision: int | None = None
    """None: the newest."""
    inputs: Any = None
    """A map, typed and checked as any start's inputs are."""
    labels: Any = None
    """A map, or a list of ``key``/``value``."""
    inherit_labels: bool = False
    """Whether the parent's own labels are passed on; those of the system always are."""
    schedule_date: Any = None
    """A Property[datetime], a text, or None for at once."""
    outputs: Any = None
    """A map rendered with the ended execution's ``outputs``, used when its flow declares none; else None."""


class ExecutableTask(Task):
    """A task that starts other executions: one, or one for each batch. The host creates them."""

    wait: bool = True
    """Whether the task run lasts until the executions it started have ended."""
    transmit_failed: bool = True
    """Whether the task run ends as badly as they did; else SUCCESS."""

    def batches(self) -> Any:
        """An expression of the number of executions to start, one per batch; None: one execution, no batches."""
        return None

    def items(self, batch: int) -> Any:
        """An expression of what batch number ``batch`` (from 0) holds: its ``taskrun.items``."""
        return None

    def call(self) -> FlowCall:
        """The flow to start, unrendered."""
        raise NotImplementedError


class FlowableTask(Task):
    """A task that decides which children run."""

    errors: list[Any] = Field(default_factory=list)
    finally_: list[Any] = Field(default_factory=list, alias="finally")

    def frame(self) -> FrameSpec:
        """The shape of this flowable; asked once, when the flow is compiled."""
        raise NotImplementedError

    def open(self, control: Any) -> Opening:
        """Choose what runs, from the rendered ``frame().control``. FlowableFailed: nothing can run."""
        return Opening()

    def children(self) -> tuple[Task, ...]:
        spec = self.frame()
        listed = tuple(task for tasks in spec.lists.values() for task in tasks)
        return listed + spec.errors + spec.finals


class IncludingTask(FlowableTask):
    """A flowable whose tasks lie in a stored template. The host includes them before the flow is compiled; one that is
    told a refusal instead fails with it when it opens."""

    _tasks: tuple[Task, ...] = PrivateAttr(default=())
    _errors: tuple[Task, ...] = PrivateAttr(default=())
    _refusal: str | None = PrivateAttr(default=None)

    def template_name(self) -> tuple[str, str]:
        """Namespace and id of the template."""
        raise NotImplementedError

    def include(self, tasks: tuple[Task, ...], errors: tuple[Task, ...]) -> None:
        """Take in the template's tasks."""
        self._tasks, self._errors, self._refusal = tasks, errors, None

    def refuse(self, message: str) -> None:
        """Nothing can be taken in, for this reason."""
        self._refusal = message

    @property
    def included_tasks(self) -> tuple[Task, ...]:
        """The template's tasks."""
        return self._tasks

    @property
    def included_errors(self) -> tuple[Task, ...]:
        """The template's errors."""
        return self._errors

    @property
    def refusal(self) -> str | None:
        """Why nothing was taken in."""
        return self._refusal


class UnitTask(FlowableTask):
    """A flowable of Kind.WORKING_DIRECTORY: one worker runs its main list, one by one, in one folder.

    The worker asks ``set_up`` before the first child and ``tear_down`` after the last one, also when a child has
    failed; not after a kill. Both may fail the unit, as ``RunnableTask.run`` may.
    """

    def set_up(self, context: RunContext) -> Any:
        """Fill the folder. What is answered is handed to ``tear_down``."""
        return None

    def tear_down(self, context: RunContext, held: Any) -> Output | None:
        """Keep what is to be kept of the folder, and give the unit's outputs."""
        return None
