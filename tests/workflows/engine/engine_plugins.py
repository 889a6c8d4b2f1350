"""Small plugin classes for the engine's tests: one per kind of task the engine tells apart, and a flow of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import Field

from apps.workflows.plugin_api.errors import FlowableFailed, TaskFailed
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes, Opening, PauseSpec, RepeatSpec
from apps.workflows.plugin_api.task import ExecutableTask, FlowableTask, LabelTask, RunnableTask, TimedTask


class Fake(RunnableTask):
    """Runnable; what comes out is decided by the test."""

    type: str = "fake"


class Nap(TimedTask):
    type: str = "nap"
    length: float = 10.0

    def wait_for(self) -> Any:
        return timedelta(seconds=self.length)


class Tags(LabelTask):
    type: str = "tags"
    labels: Any = None

    def template(self) -> Any:
        return self.labels

    def labels_from(self, rendered: Any) -> dict[str, str]:
        if not isinstance(rendered, dict):
            raise TaskFailed(f"Unknown value type: {type(rendered).__name__}")
        return {key: str(value) for key, value in rendered.items()}


class Sub(ExecutableTask):
    type: str = "sub"
    number: Any = None

    def batches(self) -> Any:
        return self.number


class _Box(FlowableTask):
    tasks: list[Any] = Field(default_factory=list)
    limit: int = 0

    def side(self) -> dict[str, Any]:
        return {"errors": tuple(self.errors), "finals": tuple(self.finally_)}


class Seq(_Box):
    type: str = "seq"

    def frame(self) -> FrameSpec:
        return FrameSpec(Lanes.ONE, {"main": tuple(self.tasks)}, **self.side())


class Allow(_Box):
    type: str = "allow"

    def frame(self) -> FrameSpec:
        return FrameSpec(Lanes.ONE, {"main": tuple(self.tasks)}, kind=Kind.ALLOW_FAILURE, **self.side())


class Par(_Box):
    type: str = "par"

    def frame(self) -> FrameSpec:
        return FrameSpec(Lanes.PER_TASK, {"main": tuple(self.tasks)}, limit=self.limit, **self.side())


class Dag(_Box):
    type: str = "dag"
    after: dict[str, list[str]] = Field(default_factory=dict)

    def frame(self) -> FrameSpec:
        depends_on = {key: tuple(value) for key, value in self.after.items()}
        return FrameSpec(
            Lanes.GATED, {"main": tuple(self.tasks)}, limit=self.limit, depends_on=depends_on, **self.side()
        )


class Cond(_Box):
    type: str = "if"
    condition: Any = "true"
    otherwise: list[Any] = Field(default_factory=list)

    def frame(self) -> FrameSpec:
        lists = {"then": tuple(self.tasks), "else": tuple(self.otherwise)}
        return FrameSpec(Lanes.ONE, lists, control=self.condition, **self.side())

    def open(self, control: Any) -> Opening:
        result = control not in ("false", "", "0", None)
        chosen = "then" if result else "else" if self.otherwise else None
        return Opening(chosen=chosen, outputs={"evaluationResult": result})


class Choice(_Box):
    type: str = "switch"
    value: Any = ""
    cases: dict[str, list[Any]] = Field(default_factory=dict)
    defaults: list[Any] = Field(default_factory=list)

    def frame(self) -> FrameSpec:
        lists = {f"case:{key}": tuple(tasks) for key, tasks in self.cases.items()}
        return FrameSpec(Lanes.ONE, lists | {"default": tuple(self.defaults)}, control=self.value, **self.side())

    def open(self, control: Any) -> Opening:
        if control in self.cases:
            return Opening(chosen=f"case:{control}", outputs={"value": control, "defaults": False})
        if not self.defaults:
            raise FlowableFailed("No task found on flow")
        return Opening(chosen="default", outputs={"value": control, "defaults": True})


class Each(_Box):
    type: str = "each"
    values: Any = Field(default_factory=list)
    limit: int = 1

    def frame(self) -> FrameSpec:
        return FrameSpec(
            Lanes.PER_VALUE, {"main": tuple(self.tasks)}, limit=self.limit, control=self.values, **self.side()
        )

    def open(self, control: Any) -> Opening:
        return Opening(values=tuple(dict.fromkeys(str(value) for value in control)))


class EachPar(Each):
    type: str = "eachpar"
    limit: int = 0

    def frame(self) -> FrameSpec:
        return FrameSpec(
            Lanes.PER_VALUE_AND_TASK,
            {"main": tuple(self.tasks)},
            limit=self.limit,
            control=self.values,
            **self.side(),
        )


class Wait(_Box):
    """Pause."""

    type: str = "pause"
    delay: float | None = None
    until: float | None = None

    def frame(self) -> FrameSpec:
        return FrameSpec(
            Lanes.ONE,
            {"main": tuple(self.tasks)},
            kind=Kind.PAUSE,
            pause=PauseSpec(self.delay, self.until),
            **self.side(),
        )


class Loop(_Box):
    """WaitFor."""

    type: str = "loop"
    condition: Any = "true"
    interval: float = 1.0
    most: Any = 100
    longest: float | None = None
    fail_on_max: bool = False

    def frame(self) -> FrameSpec:
        repeat = RepeatSpec(self.condition, self.interval, self.most, self.longest, self.fail_on_max)
        return FrameSpec(Lanes.ONE, {"main": tuple(self.tasks)}, kind=Kind.WAIT_FOR, repeat=repeat, **self.side())


class Dir(_Box):
    """WorkingDirectory."""

    type: str = "dir"

    def frame(self) -> FrameSpec:
        return FrameSpec(Lanes.ONE, {"main": tuple(self.tasks)}, kind=Kind.WORKING_DIRECTORY, **self.side())


@dataclass
class FakeFlow:
    """As much of a FlowDefinition as the engine asks for."""

    tasks: Sequence[Any]
    errors: Sequence[Any] = ()
    finally_: Sequence[Any] = ()
    after_execution: Sequence[Any] = ()
    listeners: Sequence[Any] = ()
    retry: Any = None
    concurrency: Any = None
    sla: Sequence[Any] = ()
    outputs: Sequence[Any] = ()
    disabled: bool = False


@dataclass
class FakeListener:
    tasks: list[Any] = field(default_factory=list)
