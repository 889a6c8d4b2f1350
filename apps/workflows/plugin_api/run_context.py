"""What a running task may use. The worker gives an object of this shape; tests give a small one of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

from apps.workflows.plugin_api.executions import Executions
from apps.workflows.plugin_api.task import Level
from apps.workflows.plugin_api.triggers import Triggers


class Renderer(Protocol):
    """Expressions of the running task. All raise ExpressionError, which fails the task with its message."""

    def render(self, template: str) -> str:
        """The template's text; null prints as ''."""
        ...

    def render_typed(self, template: str) -> Any:
        """The object itself when the template is one ``{{ expression }}``."""
        ...

    def render_tree(self, value: Any) -> Any:
        """Every string in a tree of maps and lists rendered, keys too."""
        ...


class KeyValueStore(Protocol):
    """The KV pairs of one namespace, checked for access when it was asked for."""

    def get(self, key: str) -> Any:
        """The typed value. KeyError when absent or expired."""
        ...

    def set(
        self, key: str, value: Any, *, kv_type: str | None = None, ttl: timedelta | None = None, overwrite: bool = True
    ) -> None:
        """Store a pair. ``kv_type`` converts a text. FileExistsError when present and ``overwrite`` is false."""
        ...

    def delete(self, key: str) -> bool:
        """True when there was one."""
        ...

    def keys(self, prefix: str = "") -> list[str]:
        """Keys in order, expired ones left out."""
        ...


class Storage(Protocol):
    """Internal storage as this execution may use it: addresses are ``kestra:///…``."""

    def put(self, content: bytes | BinaryIO | Path, name: str) -> str:
        """Store a file under this task run; answers its address."""
        ...

    def open(self, uri: str) -> BinaryIO:
        """Read a file of this execution or of one it was started by. FileNotFoundError, PermissionError."""
        ...

    def size(self, uri: str) -> int:
        """Bytes."""
        ...

    def delete(self, uri: str) -> bool:
        """Remove a file of this execution; False when there was none. PermissionError for another's."""
        ...

    def delete_all(self) -> list[str]:
        """Remove all files of this execution: its inputs, outputs and those of its trigger; answers their addresses."""
        ...


class NamespaceFiles(Protocol):
    """The files of one namespace, checked for access when it was asked for. Paths have no leading slash."""

    def paths(self) -> list[str]:
        """All of them, in order."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Read one. FileNotFoundError."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is one."""
        ...

    def put(self, path: str, content: bytes | BinaryIO | Path) -> None:
        """Store one, in place of one that is there. ValueError for a path that leads out of the namespace's files."""
        ...

    def delete(self, path: str) -> bool:
        """Remove one; False when there was none."""
        ...


class TaskCache(Protocol):
    """One file that outlives the execution: of this task of the flow and, inside a loop, of this value."""

    def modified(self) -> datetime | None:
        """When it was stored; None when there is none."""
        ...

    def open(self) -> BinaryIO:
        """Read it. FileNotFoundError."""
        ...

    def put(self, content: BinaryIO) -> None:
        """Store it, in place of what is there."""
        ...


class Cancellation(Protocol):
    """How a kill or a time-out reaches a running task."""

    def cancelled(self) -> bool:
        """True once the task must stop."""
        ...

    def on_cancel(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Call ``stop`` (from another thread) when the task must stop; the answer takes it back."""
        ...

    def check(self) -> None:
        """Raise TaskKilled or TaskTimedOut when the task must stop."""
        ...


@runtime_checkable
class RunContext(Renderer, Protocol):
    """All a task may use while it runs."""

    tenant: str
    namespace: str
    flow_id: str
    execution_id: str
    task_id: str
    task_run_id: str

    @property
    def variables(self) -> Mapping[str, Any]:
        """The expression variables, lazily."""
        ...

    @property
    def storage(self) -> Storage:
        """Internal storage."""
        ...

    @property
    def cancellation(self) -> Cancellation:
        """How a kill or a time-out reaches the task."""
        ...

    def log(self, level: Level, message: str) -> None:
        """Write a line to the task run's log; masked, cut and thresholded by the host."""
        ...

    def metric(self, kind: str, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """``kind`` counter or timer; a timer's value is in seconds here, stored in milliseconds."""
        ...

    def kv(self, namespace: str | None = None) -> KeyValueStore:
        """The KV store of a namespace (default: the flow's). PermissionError ``Namespace X is not allowed.``"""
        ...

    def secret(self, key: str) -> str:
        """A secret's value; it is masked in the log from now on. KeyError when there is none."""
        ...

    def working_directory(self) -> Path:
        """A folder of this run's own, made when first asked for and removed at its end; in a unit, the unit's."""
        ...

    def with_variables(self, variables: Mapping[str, Any]) -> Renderer:
        """A renderer that knows these variables too; they win over those of the execution."""
        ...

    def encrypt(self, text: str) -> dict[str, Any]:
        """What stands for a secret text in outputs; expressions read it in clear, logs mask it."""
        ...

    def executions(self) -> Executions:
        """The executions of the tenant."""
        ...

    def triggers(self) -> Triggers:
        """The triggers of the tenant."""
        ...

    def namespace_files(self, namespace: str | None = None) -> NamespaceFiles:
        """The files of a namespace (default: the flow's). PermissionError ``Namespace X is not allowed.``"""
        ...

    def cache(self) -> TaskCache:
        """What this task has kept for later executions of the flow."""
        ...

    def now(self) -> datetime:
        """The clock, with a zone."""
        ...
