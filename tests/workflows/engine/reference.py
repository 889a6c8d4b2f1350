"""A recursive evaluator of task trees: what must come out, worked out without steps, rows or cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.workflows.engine.compiled_flow import loop_key
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import (
    Allow,
    Choice,
    Cond,
    Dag,
    Dir,
    Each,
    EachPar,
    FakeFlow,
    Loop,
    Par,
    Sub,
    Wait,
)

Key = tuple[str, bytes]
Ends = Callable[[str, bytes, int], State]
"""What a leaf's try ends as: by task id, loop key and number of the try."""


@dataclass
class Expected:
    """``states`` of all runs there may be; ``certain`` are those that must be there."""

    states: dict[Key, State] = field(default_factory=dict)
    certain: set[Key] = field(default_factory=set)


@dataclass
class Reference:
    """Evaluates a flow for given ends of its leaves."""

    ends: Ends
    child_ends: Ends
    found: Expected = field(default_factory=Expected)

    def flow(self, flow: FakeFlow) -> State:
        """The execution's state; ``found`` tells of its runs."""
        state = self._frame(flow.tasks, flow.errors, flow.finally_, b"", True, flow.retry)
        self._all(flow.after_execution, b"", True, flow.retry)
        return state

    def _frame(
        self, tasks: Sequence[Any], errors: Sequence[Any], finals: Sequence[Any], key: bytes, sure: bool, retry: Any
    ) -> State:
        ended = self._lane(tasks, key, sure, retry)
        return self._side(ended, errors, finals, key, sure, retry)

    def _side(
        self, ended: list[State], errors: Sequence[Any], finals: Sequence[Any], key: bytes, sure: bool, retry: Any
    ) -> State:
        if State.FAILED in ended:
            self._all(errors, key, sure, retry)
        ended = ended + [state for state in self._all(finals, key, sure, retry) if state is State.FAILED]
        return worst(ended)

    def _all(self, tasks: Sequence[Any], key: bytes, sure: bool, retry: Any) -> list[State]:
        return [self._task(task, key, sure, retry) for task in tasks if not task.disabled]

    def _lane(self, tasks: Sequence[Any], key: bytes, sure: bool, retry: Any) -> list[State]:
        ended: list[State] = []
        for task in tasks:
            if task.disabled:
                continue
            ended.append(self._task(task, key, sure, retry))
            if ended[-1] is State.FAILED:
                break
        return ended

    def _task(self, task: Any, key: bytes, sure: bool, retry: Any) -> State:
        if task.run_if == "false":
            return self._note(task, key, sure, State.SKIPPED)
        if task.run_if.startswith("!"):
            return self._note(task, key, sure, soften(task, State.FAILED))
        retry = task.retry or retry
        if hasattr(task, "tasks"):
            state = self._flowable(task, key, sure, retry)
        elif task.type == "fake" or isinstance(task, Sub):
            state = self._leaf(task, key, retry)
        else:
            state = State.SUCCESS
        return self._note(task, key, sure, soften(task, state))

    def _leaf(self, task: Any, key: bytes, retry: Any) -> State:
        ends = self.child_ends if isinstance(task, Sub) else self.ends
        number = 1
        while True:
            state = ends(task.id, key, number)
            if state is not State.FAILED or retry is None or number >= retry.max_attempt:
                break
            number += 1
        if state is State.SUCCESS and retry is not None and retry.warning_on_retry and number >= 3:
            return State.WARNING
        return state

    def _flowable(self, task: Any, key: bytes, sure: bool, retry: Any) -> State:
        side = (task.errors, task.finally_, key, sure, retry)
        match task:
            case EachPar() | Each():
                return self._side(self._loop(task, key, sure, retry), *side)
            case Par() | Dag():
                lanes = [[each] for each in task.tasks if not each.disabled]
                return self._side(self._lanes([(lane, key) for lane in lanes], task.limit, sure, retry, task), *side)
            case Cond():
                chosen = task.tasks if task.condition == "true" else task.otherwise
                return self._frame(chosen, *side)
            case Choice():
                chosen = task.cases.get(task.value, task.defaults)
                if not chosen:
                    return State.FAILED
                return self._frame(chosen, *side)
            case Loop() | Wait() | Dir():
                return self._frame(task.tasks, *side)
            case Allow():
                state = self._frame(task.tasks, *side)
                return State.WARNING if state is State.FAILED else state
        return self._frame(task.tasks, *side)

    def _loop(self, task: Any, key: bytes, sure: bool, retry: Any) -> list[State]:
        values = list(dict.fromkeys(task.values))
        inner = [each for each in task.tasks if not each.disabled]
        lanes: list[tuple[list[Any], bytes]] = []
        for value in values:
            groups = [[each] for each in inner] if isinstance(task, EachPar) else [inner]
            lanes += [(group, loop_key(key, value)) for group in groups]
        return self._lanes(lanes, task.limit, sure, retry, task)

    def _lanes(
        self, lanes: list[tuple[list[Any], bytes]], limit: int, sure: bool, retry: Any, task: Any
    ) -> list[State]:
        if limit == 1 and not isinstance(task, Dag):
            ended: list[State] = []
            for tasks, key in lanes:
                ended += self._lane(tasks, key, sure, retry)
                if State.FAILED in ended:
                    break
            return ended
        trial = Reference(self.ends, self.child_ends)
        failed = any(State.FAILED in trial._lane(tasks, key, False, retry) for tasks, key in lanes)
        # Beside a failure it is a matter of timing which siblings ran.
        ended = []
        for tasks, key in lanes:
            ended += self._lane(tasks, key, sure and not failed, retry)
        return ended

    def _note(self, task: Any, key: bytes, sure: bool, state: State) -> State:
        self.found.states[task.id, key] = state
        if sure:
            self.found.certain.add((task.id, key))
        return state


def soften(task: Any, state: State) -> State:
    if state is State.FAILED and task.allow_failure:
        state = State.WARNING
    return State.SUCCESS if state is State.WARNING and task.allow_warning else state


def worst(ended: Sequence[State]) -> State:
    for state in (State.KILLED, State.FAILED, State.WARNING):
        if state in ended:
            return state
    return State.SUCCESS
