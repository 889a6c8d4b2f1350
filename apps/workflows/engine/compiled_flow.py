"""Flow → frames: every task with its index, parent, loop depth and effective retry; made once per revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from apps.workflows.engine.cursor import ERRORS, FINALLY, LISTENERS, MAIN, Cursor
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes, PauseSpec, RepeatSpec
from apps.workflows.plugin_api.retry import ConstantRetry, ExponentialRetry, RandomRetry
from apps.workflows.plugin_api.task import (
    ExecutableTask,
    FlowableTask,
    LabelTask,
    RunnableTask,
    Task,
    TimedTask,
    WorkerGroup,
)

KINDS = (RunnableTask, FlowableTask, TimedTask, ExecutableTask, LabelTask)
"""What sending a task can mean."""
AnyRetry = ConstantRetry | ExponentialRetry | RandomRetry

_LOOPS = frozenset({Lanes.PER_VALUE, Lanes.PER_VALUE_AND_TASK})
_LANE_PER_TASK = frozenset({Lanes.PER_TASK, Lanes.GATED, Lanes.PER_VALUE_AND_TASK})


class Listening(Protocol):
    """A listener of a flow, as far as the engine knows it."""

    @property
    def tasks(self) -> Sequence[Task]: ...


class Flow(Protocol):
    """What the engine asks of a FlowDefinition."""

    @property
    def tasks(self) -> Sequence[Task]: ...
    @property
    def errors(self) -> Sequence[Task]: ...
    @property
    def finally_(self) -> Sequence[Task]: ...
    @property
    def after_execution(self) -> Sequence[Task]: ...
    @property
    def listeners(self) -> Sequence[Listening]: ...
    @property
    def retry(self) -> AnyRetry | None: ...
    @property
    def concurrency(self) -> Any: ...
    @property
    def sla(self) -> Sequence[Any]: ...
    @property
    def outputs(self) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTask:
    """A task that is not disabled, and where it stands.

    ``depth`` is the number of loops above it: the number of keys of its outputs. ``retry`` is its own, else that of
    the nearest flowable above it, else the flow's. ``parent`` is the index of the flowable it lies in. ``group`` is
    its own worker group, else the default one; in a unit, whose worker runs it, none.
    """

    index: int
    task: Task
    parent: int | None
    depth: int
    below_errors: bool
    in_unit: bool
    retry: AnyRetry | None
    frame: CompiledFrame | None
    group: WorkerGroup | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledFrame:
    """The lists of a flowable (or of the flow) without their disabled tasks.

    ``needs[i]`` is the mask of what task *i* of a gated frame waits for, ``users[i]`` who waits for it.
    """

    lanes: Lanes
    kind: Kind
    limit: int
    lists: Mapping[str, tuple[CompiledTask, ...]]
    errors: tuple[CompiledTask, ...]
    finals: tuple[CompiledTask, ...]
    control: Any = None
    pause: PauseSpec | None = None
    repeat: RepeatSpec | None = None
    needs: tuple[int, ...] = ()
    users: tuple[tuple[int, ...], ...] = ()
    listeners: tuple[CompiledTask, ...] = ()

    @property
    def is_loop(self) -> bool:
        """Whether its lanes have values."""
        return self.lanes in _LOOPS

    @property
    def is_unit(self) -> bool:
        """Whether one worker runs all of its main list under one claim."""
        return self.kind is Kind.WORKING_DIRECTORY

    @property
    def error_lanes(self) -> int:
        """Lanes of the errors list: one per task where the main tasks have their own lanes too."""
        return len(self.errors) if self.lanes in _LANE_PER_TASK else min(len(self.errors), 1)

    @property
    def error_limit(self) -> int:
        """How many errors lanes may be open at once; 0: all."""
        return self.limit if self.lanes in _LANE_PER_TASK else 1

    def total(self, chosen: str, values: int) -> int:
        """Number of main lanes of a list, for a loop over so many values."""
        tasks = len(self.lists.get(chosen, ()))
        match self.lanes:
            case Lanes.ONE:
                return min(tasks, 1)
            case Lanes.PER_TASK | Lanes.GATED:
                return tasks
            case Lanes.PER_VALUE:
                return values if tasks else 0
            case Lanes.PER_VALUE_AND_TASK:
                return values * tasks

    def value_index(self, chosen: str, lane: int) -> int:
        """Which value of the loop a main lane belongs to."""
        return lane // len(self.lists[chosen]) if self.lanes is Lanes.PER_VALUE_AND_TASK else lane

    def lane_tasks(self, cursor: Cursor, branch: str, lane: int) -> tuple[CompiledTask, ...]:
        """The tasks that run one after another in a lane."""
        if branch == MAIN:
            tasks = self.lists[cursor.list]
            if self.lanes in _LANE_PER_TASK:
                position = lane % len(tasks)
                return tasks[position : position + 1]
            return tasks
        if branch == ERRORS:
            return self.errors[lane : lane + 1] if self.lanes in _LANE_PER_TASK else self.errors
        if branch == FINALLY:
            return self.finals
        if branch == LISTENERS:
            return self.listeners
        raise ValueError(f"No lane of tasks has branch {branch!r}: only a result brings such runs")

    def ready(self, done: int) -> int:
        """Gated: the mask of tasks whose needs are all done."""
        mask = 0
        for position, needed in enumerate(self.needs):
            if needed & ~done == 0:
                mask |= 1 << position
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class CompiledFlow:
    """A flow ready for ``decide``. ``listener_of`` tells for each task of the root's listeners list the number of the
    listener whose conditions it is under, None for a task of ``afterExecution``."""

    flow: Flow
    root: CompiledFrame
    tasks: tuple[CompiledTask, ...]
    by_id: Mapping[str, CompiledTask]
    listener_of: tuple[int | None, ...]

    def task(self, task_id: str) -> CompiledTask:
        """KeyError when the flow (as compiled: without disabled tasks) has no such task."""
        return self.by_id[task_id]


def compile_flow(flow: Flow, default_group: WorkerGroup | None = None) -> CompiledFlow:
    """Number and link all tasks of a flow. TypeError for a task that no worker, timer or frame can run.

    ``default_group`` is that of tasks which name no worker group.
    """
    compiler = _Compiler(default_group)
    above = _Above(None, 0, False, False, flow.retry)
    lists = {"main": compiler.tasks(flow.tasks, above)}
    errors = compiler.tasks(flow.errors, above.in_errors())
    finals = compiler.tasks(flow.finally_, above)
    listeners: list[CompiledTask] = []
    listener_of: list[int | None] = []
    for number, listener in enumerate(flow.listeners):
        held = compiler.tasks(listener.tasks, above)
        listeners += held
        listener_of += [number] * len(held)
    after = compiler.tasks(flow.after_execution, above)
    root = CompiledFrame(Lanes.ONE, Kind.PLAIN, 1, lists, errors, finals, listeners=tuple([*listeners, *after]))
    tasks = tuple(sorted(compiler.done, key=lambda item: item.index))
    by_id = {item.task.id: item for item in tasks}
    return CompiledFlow(flow, root, tasks, by_id, (*listener_of, *(None for _ in after)))


def loop_key(parent_key: bytes, value: str) -> bytes:
    """The key of what runs for a value of a loop, inside what ``parent_key`` stands for: 16 bytes."""
    return blake2b(parent_key + value.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class _Above:
    parent: int | None
    depth: int
    below_errors: bool
    in_unit: bool
    retry: AnyRetry | None

    def in_errors(self) -> _Above:
        return _Above(self.parent, self.depth, True, False, self.retry)


class _Compiler:
    def __init__(self, default_group: WorkerGroup | None) -> None:
        self.default_group = default_group
        self.done: list[CompiledTask] = []
        self.count = 0

    def tasks(self, tasks: Sequence[Task], above: _Above) -> tuple[CompiledTask, ...]:
        return tuple(self.task(task, above) for task in tasks if not task.disabled)

    def task(self, task: Task, above: _Above) -> CompiledTask:
        index = self.count
        self.count += 1
        if not isinstance(task, KINDS):
            raise TypeError(
                f"Task '{task.id}' of type {task.type} is neither runnable nor flowable: nothing can run it"
            )
        retry = task.retry or above.retry
        frame = self.frame(task, index, above, retry) if isinstance(task, FlowableTask) else None
        group = None if above.in_unit else task.worker_group or self.default_group
        made = CompiledTask(
            index, task, above.parent, above.depth, above.below_errors, above.in_unit, retry, frame, group
        )
        self.done.append(made)
        return made

    def frame(self, task: FlowableTask, index: int, above: _Above, retry: AnyRetry | None) -> CompiledFrame:
        spec = task.frame()
        side = _Above(index, above.depth, above.below_errors, False, retry)
        main = _Above(
            index,
            above.depth + (spec.lanes in _LOOPS),
            above.below_errors,
            spec.kind is Kind.WORKING_DIRECTORY,
            retry,
        )
        lists = {name: self.tasks(tasks, main) for name, tasks in spec.lists.items()}
        needs, users = _gates(spec, lists.get("main", ())) if spec.lanes is Lanes.GATED else ((), ())
        return CompiledFrame(
            lanes=spec.lanes,
            kind=spec.kind,
            limit=spec.limit,
            lists=lists,
            errors=self.tasks(spec.errors, side.in_errors()),
            finals=self.tasks(spec.finals, side),
            control=spec.control,
            pause=spec.pause,
            repeat=spec.repeat,
            needs=needs,
            users=users,
        )


def _gates(spec: FrameSpec, tasks: tuple[CompiledTask, ...]) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    # A dependency on a disabled task has no position here: nobody waits for it.
    positions = {item.task.id: position for position, item in enumerate(tasks)}
    needs: list[int] = []
    users: list[list[int]] = [[] for _ in tasks]
    for position, item in enumerate(tasks):
        mask = 0
        for needed in spec.depends_on.get(item.task.id, ()):
            if needed in positions:
                mask |= 1 << positions[needed]
                users[positions[needed]].append(position)
        needs.append(mask)
    return tuple(needs), tuple(tuple(waiting) for waiting in users)
