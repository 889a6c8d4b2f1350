"""A world around one execution: a clock, timers, messages that may be lost or doubled, workers that may die."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.workflows.engine.commands import (
    AnnounceEnd,
    Command,
    Continue,
    KillChildren,
    KillTask,
    RetryExecution,
    RunTask,
    StartExecution,
)
from apps.workflows.engine.compiled_flow import compile_flow
from apps.workflows.engine.decide import decide
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.end_state import tries
from apps.workflows.engine.events import (
    ChildrenEnded,
    Created,
    Event,
    ResumeRequested,
    RunEvent,
    StartAccepted,
    TaskRunEnded,
    UnitOpened,
    Woken,
    WorkerLost,
)
from apps.workflows.engine.events import Continue as ContinueEvent
from apps.workflows.engine.frontier import Attempt, Change, ExecutionRow, RunRow
from apps.workflows.engine.ports import Ports, RenderFailed
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import FakeFlow
from tests.workflows.engine.memory_store import Child, MemoryStore

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Outcome = Callable[[RunRow, int], State]


@dataclass
class FakeRender:
    """Templates: a callable is asked with the run, a text that begins with ! cannot be rendered, the rest is itself."""

    world: World
    flow_outputs_answer: Any = field(default_factory=dict)
    listeners: dict[int, bool] = field(default_factory=dict)

    def __call__(self, template: Any, run: RunRow | None) -> Any:
        if callable(template):
            return template(run)
        if isinstance(template, str) and template.startswith("!"):
            raise RenderFailed(template[1:])
        if isinstance(template, dict):
            return {key: self(value, run) for key, value in template.items()}
        return template

    def condition(self, template: Any, run: RunRow | None) -> bool:
        return self(template, run) not in ("false", "0", "", None, False)

    def duration(self, template: Any, run: RunRow | None) -> float:
        answer = self(template.raw if isinstance(template, Property) else template, run)
        return answer.total_seconds() if isinstance(answer, timedelta) else float(answer)

    def flow_outputs(self) -> dict[str, Any]:
        return self(self.flow_outputs_answer, None)

    def listener(self, index: int) -> bool:
        return self.listeners.get(index, True)

    def child_outputs(self, run: RunRow, child_id: str) -> dict[str, Any]:
        return {"executionId": child_id}

    def batch_outputs(self, run: RunRow, iterations: Mapping[str, int]) -> dict[str, Any]:
        return {"iterations": dict(iterations)}


@dataclass
class Work:
    """A claim a worker holds; ``stage`` is for units: opening, open, retry (of ``child``), closing."""

    token: str
    stage: str = "task"
    child: str = ""


class Ids:
    """Ids that grow, and chance from the world's own source."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"r{self.count:07d}"

    def fraction(self) -> float:
        return self.rng.random()


class World:
    """One execution of a flow. Everything happens when the test says so; ``run`` plays until nothing is left."""

    def __init__(
        self,
        flow: FakeFlow,
        *,
        outcome: Outcome | None = None,
        seed: int = 0,
        limit: int = 200,
        eager: bool = False,
        check: bool = True,
    ) -> None:
        self.rng = random.Random(seed)
        self.now = BEGIN
        self.outcome = outcome or (lambda run, tries: State.SUCCESS)
        self.child_state: Callable[[Child], State] = lambda child: State.SUCCESS
        self.render = FakeRender(self)
        self.compiled = compile_flow(flow)
        self.store = MemoryStore(
            self.compiled,
            ExecutionRow("exec", "ns", "flow", 1, State.CREATED, [Change(State.CREATED, self.now)]),
            check=check,
        )
        self.ids = Ids(self.rng)
        self.limit = limit
        self.eager = eager
        """Whether a worker that ends a task takes the next one itself."""
        self.slots = 0
        self.messages: list[Command | Event] = []
        self.work: dict[str, Work] = {}
        self.dead: dict[str, str] = {}
        self.zombies: list[tuple[str, str, State]] = []
        self.announced: list[AnnounceEnd] = []
        self.retried: list[str] = []
        self.logs: list[str] = []
        self.entered: list[str] = []
        self.tokens = 0

    # Steps

    def step(self, event: Event, *, by_worker: bool = False) -> Decision:
        """Play one step, as the store and the dispatcher do."""
        run_id = event.run_id if isinstance(event, RunEvent | ResumeRequested) else None
        if isinstance(event, Woken):
            run_id = event.key or None
        frontier = self.store.load(run_id)
        may_claim = by_worker and self.eager
        ports = Ports(
            render=self.render,
            look=self.store,
            claim=lambda run, index: self.new_token() if may_claim else None,
            new_id=self.ids,
            take_slot=self.take_slot,
            slice=self.limit,
        )
        decision = decide(self.compiled, frontier, event, self.now, ports)
        self.store.save(frontier, decision)
        self.logs += [line.message for line in decision.logs]
        self.entered += decision.entered
        self.messages += decision.commands
        if decision.claimed is not None:
            self.began(decision.claimed.id, decision.claimed.token or "")
        return decision

    def take_slot(self, limit: int) -> bool:
        if self.slots >= limit:
            return False
        self.slots += 1
        return True

    def new_token(self) -> str:
        self.tokens += 1
        return f"w:{self.tokens}"

    def began(self, run_id: str, token: str) -> None:
        task = self.compiled.task(self.store.runs[run_id].task_id)
        is_unit = task.frame is not None
        self.work[run_id] = Work(token, "opening" if is_unit else "task")

    def start(self) -> World:
        self.step(Created())
        return self

    # Messages

    def deliver(self, message: Command | Event) -> None:
        """What the receiver of a message does."""
        match message:
            case RunTask(run_id):
                self.claim(run_id)
            case KillTask(run_id, token):
                self._stop_work(run_id, token)
            case StartExecution(run_id, child_id, token, batch):
                self.store.children.setdefault(child_id, Child(child_id, run_id, token, batch))
                self.messages.append(StartAccepted(run_id, token))
            case KillChildren(run_id):
                for child in [each for each in self.store.children.values() if each.run_id == run_id]:
                    if not child.state.ended:
                        self.end_child(child, State.KILLED)
            case RetryExecution(new_id):
                self.retried.append(new_id)
                self.store.timers.pop(("new_execution", ""), None)
            case AnnounceEnd():
                self.announced.append(message)
            case Continue():
                self.step(ContinueEvent())
            case _:
                self.step(message)

    def _stop_work(self, run_id: str, token: str) -> None:
        # The order only hurries a look; whoever runs for a listener sees that it may go on.
        still_wanted = self.state.ended and self.store.in_listeners(self.store.runs[run_id])
        if not still_wanted and run_id in self.work and self.work[run_id].token == token:
            del self.work[run_id]
            self.step(TaskRunEnded(run_id, token, State.KILLED, None, self.now))

    def claim(self, run_id: str) -> None:
        """The conditional update of a claim (engine-frames §9.1), which locks the run's row alone."""
        run, execution = self.store.runs.get(run_id), self.store.execution
        if run is None or not run.state.waiting or run.token is not None or run.pending or execution.hold:
            return
        live = execution.state in (State.RUNNING, State.RETRYING, State.PAUSED)
        if not live and not self.store.in_listeners(run):
            return
        run.enter(State.RUNNING, self.now)
        run.token = self.new_token()
        run.nudged_at = None
        run.attempts.append(Attempt([Change(State.CREATED, self.now), Change(State.RUNNING, self.now)]))
        self.began(run_id, run.token)

    # Work

    def finish(self, run_id: str, state: State | None = None, outputs: Mapping[str, Any] | None = None) -> Decision:
        """A worker ends what it holds (or goes on with its unit)."""
        work = self.work.pop(run_id)
        run = self.store.runs[run_id]
        if work.stage == "retry":
            self.work[run_id] = Work(work.token, "open")
            decision = self.step(Woken("retry", work.child), by_worker=True)
            self._after_child(run_id, decision, work.child)
            return decision
        if work.stage == "opening":
            self.work[run_id] = Work(work.token, "open")
            decision = self.step(UnitOpened(run_id, work.token), by_worker=True)
            self._after_child(run_id, decision)
            return decision
        if state is None:
            state = State.SUCCESS if work.stage == "closing" else self.outcome(run, tries(run))
        decision = self.step(TaskRunEnded(run_id, work.token, state, outputs, self.now), by_worker=True)
        if run.parent_id in self.work and self.work[run.parent_id].token == work.token:
            self._after_child(run.parent_id, decision, run_id)
        return decision

    def _after_child(self, unit_id: str, decision: Decision, child_id: str | None = None) -> None:
        held_child = decision.claimed is not None and decision.claimed.parent_id == unit_id
        retrying = child_id is not None and self.store.runs[child_id].state is State.RETRYING
        if held_child:
            return
        if retrying and child_id is not None:
            # The worker waits inside the unit and wakes the retry itself.
            self.work[unit_id] = Work(self.work[unit_id].token, "retry", child_id)
        else:
            self.work[unit_id].stage = "closing"

    def finishable(self) -> list[str]:
        """What workers could end now; an open unit is its child's business."""
        return [run_id for run_id, work in self.work.items() if work.stage != "open" and not self._must_wait(work)]

    def _must_wait(self, work: Work) -> bool:
        due = self.store.runs[work.child].nudged_at if work.stage == "retry" else None
        return due is not None and self.now < due

    def die(self, run_id: str) -> None:
        """The worker that holds this is gone, and its unit with it; it may yet report."""
        token = self.work[run_id].token
        run = self.store.runs[run_id]
        for each in [each for each, work in self.work.items() if work.token == token]:
            del self.work[each]
        claims = [each.id for each in self.store.runs.values() if each.token == token]
        self.dead.update(dict.fromkeys(claims, token))
        if claims == [run_id] and self.compiled.task(run.task_id).frame is None:
            self.zombies.append((run_id, token, self.outcome(run, tries(run))))

    # Time

    def advance(self, seconds: float) -> None:
        """Move the clock; due timers send their wakes and move on until a step drops them; dead workers are missed."""
        self.now += timedelta(seconds=seconds)
        for (kind, key), due in list(self.store.timers.items()):
            if due <= self.now:
                self.store.timers[kind, key] = self.now + timedelta(seconds=30)
                self.messages.append(Woken(kind, key))
        for run_id, token in list(self.dead.items()):
            run = self.store.runs.get(run_id)
            if run is None or run.token != token:
                del self.dead[run_id]
            else:
                self.messages.append(WorkerLost(run_id, token))

    def drain(self) -> None:
        """Deliver all messages in order, and what follows from them."""
        while self.messages:
            self.deliver(self.messages.pop(0))

    def run(self, hours: float = 24.0) -> World:
        """Begin, if need be, and play to the end: no message lost, workers at once, the clock moves last."""
        if self.store.execution.state is State.CREATED:
            self.start()
        until = self.now + timedelta(hours=hours)
        while True:
            self.drain()
            ready = self.finishable()
            if ready:
                self.finish(ready[0])
                continue
            child = next((each for each in self.store.children.values() if not each.state.ended), None)
            if child is not None:
                self.end_child(child)
                continue
            due = min(self.store.timers.values(), default=None)
            if due is None or due > until:
                return self
            self.advance(max((due - self.now).total_seconds(), 0))

    def end_child(self, child: Child, state: State | None = None) -> None:
        """A started execution ends."""
        child.state = state or self.child_state(child)
        self.messages.append(ChildrenEnded(child.run_id))

    # Answers

    @property
    def state(self) -> State:
        return self.store.execution.state

    def states(self, task_id: str) -> list[State]:
        """States of the runs of a task, oldest first."""
        return [run.state for run in self.store.runs.values() if run.task_id == task_id]

    def one(self, task_id: str, value: str | None = None) -> RunRow:
        """The one run of a task (for a value)."""
        (found,) = (
            run for run in self.store.runs.values() if run.task_id == task_id and (value is None or run.value == value)
        )
        return found

    def summary(self) -> str:
        """All runs, as ``task=STATE`` or ``task[value]=STATE``."""
        return " ".join(
            f"{run.task_id}{f'[{run.value}]' if run.value is not None else ''}={run.state}"
            for run in self.store.runs.values()
        )

    def history(self, run_id: str | None = None) -> list[str]:
        """States in the order they were entered."""
        row = self.store.execution if run_id is None else self.store.runs[run_id]
        return [change.state.value for change in row.histories]


def failing(**failures: int) -> Outcome:
    """FAILED for the first so many tries of the named tasks (by task id, or ``task__value``), else SUCCESS."""

    def outcome(run: RunRow, tries: int) -> State:
        name = run.task_id if run.value is None else f"{run.task_id}__{run.value}"
        times = failures.get(name, failures.get(run.task_id, 0))
        return State.FAILED if tries <= times else State.SUCCESS

    return outcome


ALWAYS = 1_000
"""More tries than any retry allows."""
