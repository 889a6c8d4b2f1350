"""Random flows: trees of all kinds of tasks, and ends for their leaves that depend on nothing but their place."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apps.workflows.engine.frontier import RunRow
from apps.workflows.plugin_api.retry import ConstantRetry
from apps.workflows.plugin_api.state import State
from tests.workflows.engine.engine_plugins import (
    Allow,
    Choice,
    Cond,
    Dag,
    Dir,
    Each,
    EachPar,
    Fake,
    FakeFlow,
    Loop,
    Nap,
    Par,
    Seq,
    Sub,
    Wait,
)

MOST_TASKS = 40


class TreeMaker:
    """Makes one flow from a source of chance."""

    def __init__(self, rng: random.Random, *, plain: bool = False) -> None:
        self.rng = rng
        self.count = 0
        self.plain = plain
        """Nothing that fails whatever its tasks do, and nothing whose end tells of an earlier failure."""
        self.leaves: list[Callable[..., Any]] = [self._fake] * 8 + [self._nap, self._sub]
        self.boxes: list[Callable[..., Any]] = [
            self._seq,
            self._par,
            self._par,
            self._each,
            self._each,
            self._each_par,
            self._if,
            self._switch,
            self._allow,
            self._dag,
            self._loop,
            self._dir,
            self._pause,
        ]

    def flow(self) -> FakeFlow:
        retry = self._retry() if self.rng.random() < 0.1 else None
        errors, finals = self._side(3)
        tasks = self._list(4)
        after = [Par(id="after", tasks=self._list(0)), *self._list(0)] if self.rng.random() < 0.15 else []
        return FakeFlow(tasks, errors=errors, finally_=finals, after_execution=after, retry=retry)

    def _list(self, depth: int, least: int = 1) -> list[Any]:
        return [self._task(depth) for _ in range(self.rng.randint(least, 3))]

    def _side(self, depth: int) -> tuple[list[Any], list[Any]]:
        errors = self._list(min(depth, 2)) if self.rng.random() < 0.3 else []
        finals = self._list(1) if self.rng.random() < 0.12 else []
        return errors, finals

    def _task(self, depth: int) -> Any:
        make = self.rng.choice(self.leaves)
        if depth > 0 and self.count < MOST_TASKS and self.rng.random() < 0.45:
            make = self.rng.choice(self.boxes)
        self.count += 1
        base = self._base(f"t{self.count}")
        if make in self.leaves:
            if self.plain:
                base.pop("allow_failure", None)
            return make(base, depth)
        errors, finals = self._side(depth - 1)
        return make(base | {"errors": errors, "finally_": finals}, depth - 1)

    def _base(self, task_id: str) -> dict[str, Any]:
        rng = self.rng
        base: dict[str, Any] = {"id": task_id}
        for name, chance in (("disabled", 0.04), ("allow_failure", 0.08), ("allow_warning", 0.08)):
            if rng.random() < chance:
                base[name] = True
        if rng.random() < 0.07:
            base["run_if"] = rng.choice(["false"] if self.plain else ["false", "false", "!broken"])
        if rng.random() < 0.2:
            base["retry"] = self._retry()
        return base

    def _retry(self) -> ConstantRetry:
        return ConstantRetry(
            type="constant",
            interval=timedelta(seconds=self.rng.choice([0, 1, 40])),
            max_attempt=self.rng.randint(1, 4),
            warning_on_retry=not self.plain and self.rng.random() < 0.3,
        )

    def _values(self) -> list[str]:
        return [self.rng.choice("vwxyz") for _ in range(self.rng.randint(0, 5))]

    def _fake(self, base: dict[str, Any], depth: int) -> Any:
        return Fake(**base)

    def _nap(self, base: dict[str, Any], depth: int) -> Any:
        return Nap(length=self.rng.choice([0, 5, 100]), **base)

    def _sub(self, base: dict[str, Any], depth: int) -> Any:
        return Sub(**base)

    def _seq(self, base: dict[str, Any], depth: int) -> Any:
        return Seq(tasks=self._list(depth), **base)

    def _par(self, base: dict[str, Any], depth: int) -> Any:
        return Par(tasks=self._list(depth), limit=self.rng.choice([0, 0, 1, 2]), **base)

    def _each(self, base: dict[str, Any], depth: int) -> Any:
        return Each(values=self._values(), tasks=self._list(depth), limit=self.rng.choice([0, 1, 1, 2]), **base)

    def _each_par(self, base: dict[str, Any], depth: int) -> Any:
        return EachPar(values=self._values(), tasks=self._list(depth), limit=self.rng.choice([0, 1, 2]), **base)

    def _if(self, base: dict[str, Any], depth: int) -> Any:
        otherwise = self._list(depth) if self.rng.random() < 0.6 else []
        return Cond(condition=self.rng.choice(["true", "false"]), tasks=self._list(depth), otherwise=otherwise, **base)

    def _switch(self, base: dict[str, Any], depth: int) -> Any:
        defaults = self._list(depth) if self.plain or self.rng.random() < 0.5 else []
        return Choice(value=self.rng.choice("ab"), cases={"a": self._list(depth)}, defaults=defaults, **base)

    def _allow(self, base: dict[str, Any], depth: int) -> Any:
        return Allow(tasks=self._list(depth), **base)

    def _dag(self, base: dict[str, Any], depth: int) -> Any:
        tasks = [self._task(depth) for _ in range(self.rng.randint(1, 5))]
        after = {
            task.id: [other.id for other in tasks[:position] if self.rng.random() < 0.4]
            for position, task in enumerate(tasks)
        }
        return Dag(tasks=tasks, after=after, limit=self.rng.choice([0, 0, 1, 2]), **base)

    def _loop(self, base: dict[str, Any], depth: int) -> Any:
        turns = self.rng.randint(1, 3)
        tasks = self._list(min(depth, 2))
        # The condition is rendered once per turn, whatever the deliveries: it reads the turn from the run's cursor.
        return Loop(
            tasks=tasks, condition=lambda run: "true" if run.cursor.it >= turns else "false", interval=3, **base
        )

    def _dir(self, base: dict[str, Any], depth: int) -> Any:
        return Dir(tasks=[self._leaf_of_unit() for _ in range(self.rng.randint(0, 3))], **base)

    def _leaf_of_unit(self) -> Any:
        self.count += 1
        base = self._base(f"t{self.count}")
        if self.plain:
            base.pop("allow_failure", None)
        return Fake(**base)

    def _pause(self, base: dict[str, Any], depth: int) -> Any:
        delay = self.rng.choice([None, 5.0])
        return Wait(delay=delay, tasks=self._list(depth) if self.rng.random() < 0.4 else [], **base)


def ends_from(seed: int) -> Callable[[str, bytes, int], State]:
    """Ends of tries: mostly SUCCESS; some fail a few times, some always, some WARNING."""

    def ends(task_id: str, key: bytes, number: int) -> State:
        chance = random.Random(f"{seed}/{task_id}/{key.hex()}")
        draw = chance.random()
        if draw < 0.72:
            return State.SUCCESS
        if draw < 0.79:
            return State.WARNING
        if draw < 0.87:
            return State.FAILED
        return State.FAILED if number <= chance.randint(1, 3) else State.SUCCESS

    return ends


def outcome_from(seed: int) -> Callable[[RunRow, int], State]:
    """The same ends, as a worker of the world asks for them."""
    ends = ends_from(seed)
    return lambda run, number: ends(run.task_id, run.loop_key, number)
