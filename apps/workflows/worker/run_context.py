"""What a running task may use: the worker's own RunContext."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from apps.common.clock import now as read_clock
from apps.encryption.services import encrypt
from apps.namespaces.key_values import NamespaceKeyValues
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.environment import render, render_tree, render_typed
from apps.workflows.plugin_api.run_context import KeyValueStore, Renderer
from apps.workflows.plugin_api.task import Level
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.services.encrypted_values import ENCRYPTED
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.namespace_access import check_namespace
from apps.workflows.services.variables import ExpressionSource
from apps.workflows.worker.cancellation import TaskCancellation
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.task_storage import TaskStorage
from apps.workflows.worker.tenant_executions import TenantExecutions
from apps.workflows.worker.tenant_files import StoredTaskCache, TenantNamespaceFiles
from apps.workflows.worker.tenant_triggers import TenantTriggers
from apps.workflows.worker.working_directory import WorkingDirectory


class TaskRunContext:
    """One task run's context. Everything that costs a query or a folder is made when first asked for.

    ``unit_folder`` is the folder of the WorkingDirectory it runs in, which outlives it.
    """

    def __init__(
        self,
        tenant: str,
        facts: ExecutionFacts,
        flow: LoadedFlow,
        run: RunRow,
        logs: LogCapture,
        unit_folder: Path | None = None,
    ) -> None:
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
        self._source = ExpressionSource(lambda: facts, flow, facts.id, tenant, {}, logs.mask_in_log)
        self._functions = StoreFunctions(facts, now=read_clock, masks=logs.mask)
        self._unit_folder = unit_folder
        self._extra: dict[str, Any] = {} if unit_folder is None else {"workingDir": str(unit_folder)}
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
        return NamespaceKeyValues(check_namespace(namespace or self.namespace, used_by=self.namespace))

    def secret(self, key: str) -> str:
        """A secret's value, masked from now on."""
        value = self._functions.secret(key)
        if value is None:
            raise KeyError(f"Cannot find secret for key '{key}'.")
        self.logs.mask(value)
        return value

    def working_directory(self) -> Path:
        """A folder of this run's own; in a unit, the unit's."""
        if self._unit_folder is not None:
            return self._unit_folder
        if self._directory is None:
            self._directory = WorkingDirectory(self.task_run_id)
            self._extra["workingDir"] = str(self._directory.path)
            self._variables = None
        return self._directory.path

    def with_variables(self, variables: Mapping[str, Any]) -> Renderer:
        """A renderer that knows these variables too."""
        # A ChainMap only reads the maps it is not written to.
        held = ChainMap(cast("dict[str, Any]", variables), cast("dict[str, Any]", self.variables))
        return _WithVariables(held, self._functions)

    def encrypt(self, text: str) -> dict[str, Any]:
        """What stands for a secret text in outputs."""
        self.logs.mask(text)
        return {"type": ENCRYPTED, "value": encrypt(text)}

    def executions(self) -> TenantExecutions:
        """The executions of the tenant."""
        return TenantExecutions(self.facts, self.run, self.cancellation.check)

    def triggers(self) -> TenantTriggers:
        """The triggers of the tenant."""
        return TenantTriggers(self.namespace)

    def namespace_files(self, namespace: str | None = None) -> TenantNamespaceFiles:
        """The files of a namespace, the flow's own unless named."""
        return TenantNamespaceFiles(namespace or self.namespace, used_by=self.namespace)

    def cache(self) -> StoredTaskCache:
        """What this task has kept for later executions of the flow."""
        return StoredTaskCache(self.facts, self.task_id, self.run.value)

    def now(self) -> datetime:
        """The clock."""
        return read_clock()

    def mask(self) -> Callable[[str], None]:
        """How the run's log learns a secret."""
        return self.logs.mask

    def close(self) -> None:
        """Remove what the run made on this machine."""
        log_file = self.logs.take_file()
        if log_file is not None:  # the run ended without a result
            log_file.close()
        if self._directory is not None:
            self._directory.remove()
            self._directory = None


class _WithVariables:
    """A Renderer of other variables."""

    def __init__(self, variables: Mapping[str, Any], functions: StoreFunctions) -> None:
        self._variables = variables
        self._functions = functions

    def render(self, template: str) -> str:
        return render(template, self._variables, self._functions)

    def render_typed(self, template: str) -> Any:
        return render_typed(template, self._variables, self._functions)

    def render_tree(self, value: Any) -> Any:
        return render_tree(value, self._variables, self._functions)
