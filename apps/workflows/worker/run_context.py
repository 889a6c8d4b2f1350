"""What a running task may use: the worker's own RunContext."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apps.common.clock import now as read_clock
from apps.namespaces.key_values import NamespaceKeyValues
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.environment import render, render_tree, render_typed
from apps.workflows.plugin_api.run_context import KeyValueStore
from apps.workflows.plugin_api.task import Level
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.variables import ExpressionSource
from apps.workflows.worker.cancellation import TaskCancellation
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.task_storage import TaskStorage
from apps.workflows.worker.working_directory import WorkingDirectory


class TaskRunContext:
    """One task run's context. Everything that costs a query or a folder is made when first asked for."""

    def __init__(self, tenant: str, facts: ExecutionFacts, flow: LoadedFlow, run: RunRow, logs: LogCapture) -> None:
        self.tenant = tenant
        self.namespace = facts.namespace
        self.flow_id = facts.flow_id
        self.execution_id = facts.id
        self.task_id = run.task_id
        self.task_run_id = run.id
        self.run = run
        self.facts = facts
        self.logs = logs
        self.cancellation = TaskCancellation()
        self.timeout: timedelta | None = None
        self.outputs_too_large = False
        self._source = ExpressionSource(lambda: facts, flow, facts.id, tenant, {}, logs.mask)
        self._functions = StoreFunctions(facts, now=read_clock, masks=logs.mask)
        self._extra: dict[str, Any] = {}
        self._variables: Mapping[str, Any] | None = None
        self._directory: WorkingDirectory | None = None
        self._storage: TaskStorage | None = None

    @property
    def variables(self) -> Mapping[str, Any]:
        """The expression variables, lazily."""
        if self._variables is None:
            self._variables = self._source.variables(self.run, self._extra)
        return self._variables

    @property
    def storage(self) -> TaskStorage:
        """Internal storage, as this execution may use it."""
        if self._storage is None:
            self._storage = TaskStorage(self.facts, self.run)
        return self._storage

    def render(self, template: str) -> str:
        """The template's text."""
        return render(template, self.variables, self._functions)

    def render_typed(self, template: str) -> Any:
        """The object itself when the template is one expression."""
        return render_typed(template, self.variables, self._functions)

    def render_tree(self, value: Any) -> Any:
        """Every string in a tree rendered."""
        return render_tree(value, self.variables, self._functions)

    def log(self, level: Level, message: str) -> None:
        """Write a line."""
        self.logs.log(level, message)

    def metric(self, kind: str, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Report a number."""
        self.logs.metric(kind, name, value, tags)

    def kv(self, namespace: str | None = None) -> KeyValueStore:
        """The KV pairs of a namespace, the flow's own unless named."""
        return NamespaceKeyValues(namespace or self.namespace)

    def secret(self, key: str) -> str:
        """A secret's value, masked from now on."""
        value = self._functions.secret(key)
        if value is None:
            raise KeyError(f"Cannot find secret for key '{key}'.")
        self.logs.mask(value)
        return value

    def working_directory(self) -> Path:
        """A folder of this run's own."""
        if self._directory is None:
            self._directory = WorkingDirectory(self.task_run_id)
            self._extra["workingDir"] = str(self._directory.path)
            self._variables = None
        return self._directory.path

    def now(self) -> datetime:
        """The clock."""
        return read_clock()

    def mask(self) -> Callable[[str], None]:
        """How the run's log learns a secret."""
        return self.logs.mask

    def close(self) -> None:
        """Remove what the run made on this machine."""
        if self._directory is not None:
            self._directory.remove()
            self._directory = None
