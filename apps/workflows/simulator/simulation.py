"""Simulation: plays an execution on the engine itself; messages arrive at once, time passes only when all wait."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from apps.common.errors import Invalid, Problem
from apps.common.ids import new_id
from apps.storage.internal_storage import execution_address
from apps.workflows.engine.commands import (
    Command,
    KillChildren,
    KillTask,
    LogLine,
    RunTask,
    StartExecution,
)
from apps.workflows.engine.commands import Continue as ContinueCommand
from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.engine.decide import decide
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.end_state import tries
from apps.workflows.engine.events import (
    ChildrenEnded,
    Continue,
    Created,
    Event,
    KillRequested,
    PauseRequested,
    ResumeRequested,
    RunEvent,
    StartAccepted,
    TaskRunEnded,
    UnitOpened,
    Woken,
)
from apps.workflows.engine.frontier import Attempt, Change, ExecutionRow, RunRow
from apps.workflows.engine.ports import Ports, RenderFailed
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.errors import ExpressionError
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level, Output, RunnableTask
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.encrypted_values import ENCRYPTED
from apps.workflows.services.input_renderer import FlowInputRenderer
from apps.workflows.services.inputs import read_inputs
from apps.workflows.services.new_executions import first_timers
from apps.workflows.simulator.memory import Child, MemoryExecution
from apps.workflows.simulator.mocks import AnyMock, Call, Mock, answer_of
from apps.workflows.simulator.scope import GivenFunctions, MemoryRender, MemorySource
from apps.workflows.simulator.task_context import NotMocked, TaskContext

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
MOST_STEPS: Final = 100_000
"""A flow that has not ended after so many steps of the engine never will."""


@dataclass(slots=True)
class _Work:
    """What a worker holds. ``stage``: task, open or close (a unit), retry (of a unit's ``child``)."""

    run: RunRow
    token: str
    due: datetime
    stage: str = "task"
    child: RunRow | None = None
    answer: Mock | None = None


class _Ids:
    def __call__(self) -> str:
        return new_id()

    def fraction(self) -> float:
        return 0.5  # random retries are told the same every time


class Simulation:
    """One execution of a flow's YAML. ``run`` plays it until it has ended or waits for a person; then look at it.

    ``mocks`` by task id. A task without one is run for real if it is light (Log, Return, Fail, …); any other raises
    NotMocked. Raises InvalidFlow for the source and Invalid for the inputs.
    """

    def __init__(
        self,
        source: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        mocks: Mapping[str, AnyMock] | None = None,
        trigger: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        kv: Mapping[str, Any] | None = None,
        files: Mapping[str, str] | None = None,
        absent_groups: Collection[str] = (),
        now: datetime = BEGIN,
    ) -> None:
        self.now = now
        self.mocks = dict(mocks or {})
        definition = parse_flow(source)
        self._flow = LoadedFlow(definition, compile_flow(definition), frozenset())
        unknown = self.mocks.keys() - self._flow.compiled.by_id.keys()
        if unknown:
            raise LookupError(f"The flow has no task `{'`, `'.join(sorted(unknown))}`: look at the keys of `mocks`")
        labels = [(label.key, str(label.value)) for label in definition.labels]
        row = ExecutionRow(
            new_id(), definition.namespace, definition.id, 1, State.CREATED, [Change(State.CREATED, now)], labels
        )
        self.memory = MemoryExecution(row, frozenset(absent_groups))
        facts = ExecutionFacts(
            id=row.id,
            namespace=row.namespace,
            flow_id=row.flow_id,
            flow_revision=1,
            flow_ref=0,
            inputs=self._read_inputs(inputs or {}),
            variables={},
            trigger=None if trigger is None else dict(trigger),
            labels=labels,
            start_date=now,
            original_id=None,
        )
        self._source = MemorySource(facts, self._flow, self.memory)
        self._functions = GivenFunctions(lambda: self.now, secrets or {}, kv or {}, files or {})
        self._render = MemoryRender(self._source, self._functions, self._child_outputs)
        for kind, name, due in first_timers(row.id, definition, None, now):
            self.memory.timers[kind, name.removeprefix(row.id).removeprefix(":")] = due
        self._messages: list[Command | Event] = [Created()]
        self._work: list[_Work] = []
        self._answers: dict[str, Mock] = {}
        self._tokens = 0
        self._steps = 0
        self.metrics: list[tuple[str, str, float]] = []
        """(task, name, value) of what light tasks published."""

    # What happens

    def run(self) -> Simulation:
        """Play until the execution has ended, or only a person could move it (PAUSED)."""
        while True:
            while self._messages:
                self._deliver(self._messages.pop(0))
            # The watch gives again what was lost; here nothing is.
            timers = {name: due for name, due in self.memory.timers.items() if name[0] != "watch"}
            due = min((*timers.values(), *(work.due for work in self._work)), default=None)
            if due is None or (self.memory.execution.state.ended and not self._work):
                return self
            self.now = max(self.now, due)
            ready = min(self._work, key=lambda work: work.due, default=None)
            if ready is not None and ready.due <= self.now:
                self._work.remove(ready)
                self._finish(ready)
                continue
            for (kind, key), at in timers.items():
                if at <= self.now:
                    # As the clock of the product does: put off until a step drops it.
                    self.memory.timers[kind, key] = self.now + timedelta(seconds=30)
                    self._messages.append(Woken(kind, key))

    def pause(self) -> Simulation:
        """A person pauses the execution."""
        self._step(PauseRequested())
        return self.run()

    def resume(self, inputs: Mapping[str, Any] | None = None) -> Simulation:
        """A person resumes it, with the inputs of the pause as they are."""
        paused = self.memory.first_paused()
        self._step(ResumeRequested(None if paused is None else paused.id, dict(inputs or {})))
        return self.run()

    def kill(self) -> Simulation:
        """A person kills it."""
        self._step(KillRequested())
        return self.run()

    # What came of it

    @property
    def execution_id(self) -> str:
        """The execution's id."""
        return self.memory.execution.id

    @property
    def state(self) -> str:
        """The execution's state."""
        return self.memory.execution.state.value

    @property
    def states(self) -> list[tuple[str, str]]:
        """(task, state) of all task runs, in the order they were made."""
        return [(run.task_id, run.state.value) for run in self.memory.runs.values()]

    @property
    def outputs(self) -> dict[str, Any]:
        """The flow's outputs; empty when it has none."""
        held = self.memory.execution.outputs
        return dict(held) if isinstance(held, dict) else {}

    @property
    def labels(self) -> dict[str, str]:
        """The execution's labels."""
        return dict(self.memory.execution.labels)

    @property
    def duration(self) -> timedelta:
        """From its creation until now, by the fake clock."""
        return self.now - self.memory.execution.histories[0].date

    def task(self, task_id: str, value: str | None = None) -> RunRow:
        """The one run of a task (with a value, in a loop). LookupError when there is none, or more than one."""
        runs = self.memory.runs.values()
        found = [run for run in runs if run.task_id == task_id and value in (None, run.value)]
        if len(found) != 1:
            raise LookupError(f"Task `{task_id}` has {len(found)} runs here, not one; there are {self.states}")
        return found[0]

    def logs(self, task_id: str | None = None) -> list[str]:
        """Messages in order, of one task or of all."""
        return [line.message for line in self.memory.logs if task_id in (None, line.task_id)]

    # Inside

    def _read_inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        definition = self._flow.definition

        def refuse(*_: object) -> Any:
            raise TypeError("A simulation takes no uploads: give a FILE input as an address, and its text in `files`")

        read = read_inputs(
            definition.inputs,
            given,
            files={},
            renderer=FlowInputRenderer(definition.namespace, definition.id),
            encrypt=lambda text: text,
            file_address=refuse,
            store_file=refuse,
        )
        if read.errors:
            raise Invalid(read.message, problems=[Problem(str(error), error.input_id) for error in read.errors])
        return cast("dict[str, Any]", _clear(read.values))

    def _step(self, event: Event) -> Decision:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise RuntimeError(f"The flow has not ended after {MOST_STEPS} steps: {self.states[-5:]}")
        run_id = event.run_id if isinstance(event, RunEvent | ResumeRequested) else None
        if isinstance(event, Woken):
            run_id = event.key or None
        ports = Ports(self._render, self.memory, lambda run, index: None, _Ids(), lambda limit: True)
        decision = decide(self._flow.compiled, self.memory.load(run_id), event, self.now, ports)
        self.memory.save(decision)
        self._messages += decision.commands
        return decision

    def _deliver(self, message: Command | Event) -> None:
        match message:
            case RunTask(run_id):
                self._claim(self.memory.runs[run_id])
            case KillTask(run_id, token):
                self._stop(run_id, token)
            case StartExecution(run_id, child_id, token, batch):
                self._start_child(Child(child_id, run_id, token, batch))
            case KillChildren(run_id):
                for child in self.memory.children.values():
                    child.state = State.KILLED if child.run_id == run_id else child.state
            case ContinueCommand():
                self._step(Continue())
            case Created() | StartAccepted() | ChildrenEnded() | Woken():
                self._step(message)
            case _:
                pass  # nobody else listens here: the end is seen in the rows, a retry as a new execution in the state

    def _claim(self, run: RunRow) -> None:
        execution = self.memory.execution
        if not run.state.waiting or run.token is not None or run.pending or execution.hold:
            return
        self._tokens += 1
        run.token, run.nudged_at = f"simulation:{self._tokens}", None
        run.enter(State.RUNNING, self.now)
        run.attempts.append(Attempt([Change(State.CREATED, self.now), Change(State.RUNNING, self.now)]))
        if self._flow.compiled.task(run.task_id).frame is not None:
            self._work.append(_Work(run, run.token, self.now, "open"))
        else:
            self._take_up(run)

    def _take_up(self, run: RunRow) -> None:
        answer = self._answer(run)
        limit = self._flow.compiled.task(run.task_id).task.timeout
        if limit is not None:
            seconds = timedelta(seconds=self._render.duration(limit, run))
            if answer.takes >= seconds:
                answer = Mock(answer.outputs, State.FAILED, seconds)
                self._log(run, Level.ERROR, f"Timeout after {seconds}")
        self._work.append(_Work(run, run.token or "", self.now + answer.takes, answer=answer))

    def _finish(self, work: _Work) -> None:
        run = work.run
        match work.stage:
            case "open":
                self._go_on_in_unit(run, self._step(UnitOpened(run.id, work.token)), None)
            case "retry" if work.child is not None:
                self._go_on_in_unit(run, self._step(Woken("retry", work.child.id)), work.child)
            case "close":
                answer = answer_of(self.mocks.get(run.task_id, Mock()), self._call(run))
                self._step(TaskRunEnded(run.id, work.token, answer.state, dict(answer.outputs) or None, self.now))
            case _:
                answer = work.answer or Mock()
                decision = self._step(TaskRunEnded(run.id, work.token, answer.state, dict(answer.outputs), self.now))
                unit = self.memory.runs.get(run.parent_id or "")
                if unit is not None and unit.token == work.token:
                    self._go_on_in_unit(unit, decision, run)

    def _go_on_in_unit(self, unit: RunRow, decision: Decision, child: RunRow | None) -> None:
        if decision.claimed is not None:
            self._take_up(decision.claimed)
        elif child is not None and child.state is State.RETRYING:
            self._work.append(_Work(unit, unit.token or "", child.nudged_at or self.now, "retry", child))
        elif unit.token is not None:
            self._work.append(_Work(unit, unit.token, self.now, "close"))

    def _stop(self, run_id: str, token: str) -> None:
        for work in [each for each in self._work if each.run.id == run_id and each.token == token]:
            self._work.remove(work)
            self._step(TaskRunEnded(run_id, token, State.KILLED, None, self.now))

    def _start_child(self, child: Child) -> None:
        run = self.memory.runs[child.run_id]
        if run.task_id not in self.mocks:
            task = self._flow.compiled.task(run.task_id).task
            raise NotMocked(run.task_id, task.type, "starts another execution")
        if child.id in self.memory.children:
            return
        self._answers[child.id] = answer_of(self.mocks[run.task_id], self._call(run))
        child.state = self._answers[child.id].state
        self.memory.children[child.id] = child
        self._messages += [StartAccepted(run.id, child.token), ChildrenEnded(run.id)]

    def _child_outputs(self, child_id: str) -> dict[str, Any]:
        answer = self._answers[child_id]
        return {"state": answer.state.value, "outputs": dict(answer.outputs)}

    def _call(self, run: RunRow) -> Call:
        row = self.memory.execution
        folder = f"{execution_address(row.namespace, row.flow_id, row.id)}/tasks/{run.task_id}"
        return Call(run.task_id, run.value, max(tries(run) - 1, 0), lambda text: self._render(text, run), folder)

    def _answer(self, run: RunRow) -> Mock:
        if run.task_id in self.mocks:
            return answer_of(self.mocks[run.task_id], self._call(run))
        task = self._flow.compiled.task(run.task_id).task
        if not isinstance(task, RunnableTask) or not task.light:
            raise NotMocked(run.task_id, task.type, "does its work outside the flow")
        context = TaskContext(
            task.id,
            task.type,
            self._source.variables(run),
            self._functions,
            lambda level, message: self._log(run, level, message),
            lambda name, value: self.metrics.append((task.id, name, value)),
        )
        try:
            output = task.run(cast("RunContext", context))
        except (TaskFailed, ExpressionError, RenderFailed) as error:
            self._log(run, Level.ERROR, str(error))
            return Mock(getattr(error, "outputs", None) or {}, State.FAILED)
        if isinstance(output, Output):
            return Mock(output.model_dump(mode="json", by_alias=True), output.final_state or State.SUCCESS)
        return Mock(output or {})

    def _log(self, run: RunRow, level: Level, message: str) -> None:
        self.memory.logs.append(LogLine(run.id, run.task_id, level, message, self.now, max(len(run.attempts) - 1, 0)))


def simulate(source: str, **given: Any) -> Simulation:
    """A Simulation that has run; arguments as of Simulation."""
    return Simulation(source, **given).run()


def _clear(value: Any) -> Any:
    """Without the maps that stand for encrypted texts: nothing is encrypted here."""
    if isinstance(value, dict):
        return value["value"] if value.get("type") == ENCRYPTED else {key: _clear(item) for key, item in value.items()}
    return [_clear(item) for item in value] if isinstance(value, list) else value
