"""What a light task may use when it runs for real in a simulation: expressions, its log, metrics, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.workflows.expressions.environment import render, render_tree, render_typed
from apps.workflows.expressions.host import Functions
from apps.workflows.plugin_api.task import Level


class NotMocked(LookupError):
    """A task would reach outside the simulation and has no mock."""

    def __init__(self, task_id: str, kind: str, why: str) -> None:
        super().__init__(f"Task `{task_id}` ({kind}) {why}: give it a mock, as in mocks={{'{task_id}': {{'key': 1}}}}")


class TaskContext:
    """Anything else that a task asks of its context raises NotMocked."""

    def __init__(
        self,
        task_id: str,
        kind: str,
        variables: Mapping[str, Any],
        functions: Functions,
        log: Callable[[Level, str], None],
        metric: Callable[[str, float], None],
    ) -> None:
        self.task_id = task_id
        self.variables = variables
        self._kind = kind
        self._functions = functions
        self._log = log
        self._metric = metric

    def render(self, template: str) -> str:
        return render(template, self.variables, self._functions)

    def render_typed(self, template: str) -> Any:
        return render_typed(template, self.variables, self._functions)

    def render_tree(self, value: Any) -> Any:
        return render_tree(value, self.variables, self._functions)

    def log(self, level: Level, message: str) -> None:
        self._log(level, message)

    def metric(self, kind: str, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        self._metric(name, value)

    def now(self) -> datetime:
        return self._functions.now()

    def __getattr__(self, name: str) -> Any:
        raise NotMocked(self.task_id, self._kind, f"uses `{name}`, which a simulation does not have")
