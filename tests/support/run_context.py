"""A RunContext for tests: a real folder, storage in a folder, the real expression language; logs and metrics kept."""

from __future__ import annotations

import io
import threading
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from apps.workflows.expressions import environment
from apps.workflows.expressions.host import Functions
from apps.workflows.plugin_api.errors import TaskKilled, TaskTimedOut
from apps.workflows.plugin_api.task import Level

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FolderStorage:
    """Internal storage of one execution in a folder."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.folder = folder
        self.prefix = prefix

    def put(self, content: bytes | BinaryIO | Path, name: str) -> str:
        target = self.folder / self.prefix / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            content = content.read_bytes()
        target.write_bytes(content if isinstance(content, bytes) else content.read())
        return f"kestra:///{self.prefix}/{name}"

    def open(self, uri: str) -> BinaryIO:
        path = uri.removeprefix("kestra:///")
        if ".." in path.split("/"):
            raise PermissionError(f"{uri} leads out of the storage")
        return (self.folder / path).open("rb")

    def size(self, uri: str) -> int:
        with self.open(uri) as file:
            return len(file.read())

    def read(self, uri: str) -> str:
        with self.open(uri) as file:
            return file.read().decode()

    def delete(self, uri: str) -> bool:
        path = self.folder / uri.removeprefix("kestra:///")
        if not path.is_file():
            return False
        path.unlink()
        return True

    def delete_all(self) -> list[str]:
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        for path in found:
            path.unlink()
        return [f"kestra:///{path.relative_to(self.folder).as_posix()}" for path in found]


class FolderNamespaceFiles:
    """The files of a namespace in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())

    def open(self, path: str) -> BinaryIO:
        return (self.folder / path).open("rb")

    def exists(self, path: str) -> bool:
        return (self.folder / path).exists()

    def put(self, path: str, content: bytes | BinaryIO | Path) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            content = content.read_bytes()
        target.write_bytes(content if isinstance(content, bytes) else content.read())

    def delete(self, path: str) -> bool:
        if not self.exists(path):
            return False
        (self.folder / path).unlink()
        return True


class MemoryCache:
    """What a task has kept; the test sets when."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.stored_at = NOW
        self.writes = 0

    def modified(self) -> datetime | None:
        return None if self.content is None else self.stored_at

    def open(self) -> BinaryIO:
        if self.content is None:
            raise FileNotFoundError("no cache")
        return io.BytesIO(self.content)

    def put(self, content: BinaryIO) -> None:
        self.content = content.read()
        self.writes += 1


class VariablesOnTop:
    """A Renderer of a context, with variables of its own."""

    def __init__(self, context: FakeRunContext, variables: Mapping[str, Any]) -> None:
        self.context = context
        self.held = ChainMap(dict(variables), context._all())

    def render(self, template: str) -> str:
        return environment.render(template, self.held, self.context.functions)

    def render_typed(self, template: str) -> Any:
        return environment.render_typed(template, self.held, self.context.functions)

    def render_tree(self, value: Any) -> Any:
        return environment.render_tree(value, self.held, self.context.functions)


class MemoryKv:
    """KV pairs of one namespace."""

    def __init__(self, pairs: dict[str, Any]) -> None:
        self.pairs = pairs
        self.calls: list[dict[str, Any]] = []

    def get(self, key: str) -> Any:
        return self.pairs[key]

    def set(
        self, key: str, value: Any, *, kv_type: str | None = None, ttl: timedelta | None = None, overwrite: bool = True
    ) -> None:
        if key in self.pairs and not overwrite:
            raise FileExistsError(key)
        self.calls.append({"key": key, "value": value, "kv_type": kv_type, "ttl": ttl})
        self.pairs[key] = value

    def delete(self, key: str) -> bool:
        return self.pairs.pop(key, self) is not self

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in self.pairs if key.startswith(prefix))


class ManualCancellation:
    """Cancelled by the test: ``kill()`` and ``time_out()``, from any thread."""

    def __init__(self) -> None:
        self.error: TaskKilled | TaskTimedOut | None = None
        self.stops: list[Callable[[], None]] = []
        self.registered = threading.Event()
        self.lock = threading.Lock()

    def cancelled(self) -> bool:
        return self.error is not None

    def on_cancel(self, stop: Callable[[], None]) -> Callable[[], None]:
        with self.lock:
            self.stops.append(stop)
        self.registered.set()
        if self.error is not None:
            stop()
        return lambda: self.stops.remove(stop)

    def check(self) -> None:
        if self.error is not None:
            raise self.error

    def kill(self) -> None:
        self._cancel(TaskKilled("killed"))

    def time_out(self) -> None:
        self._cancel(TaskTimedOut("Timeout"))

    def _cancel(self, error: TaskKilled | TaskTimedOut) -> None:
        with self.lock:
            self.error = error
            stops = list(self.stops)
        for stop in stops:
            stop()


@dataclass
class FakeRunContext:
    """What a task run has while a test runs its task. ``logs`` and ``metrics`` hold what it wrote."""

    root: Path
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    tenant: str = "main"
    namespace: str = "company.team"
    flow_id: str = "flow"
    execution_id: str = "execution1"
    task_id: str = "task"
    task_run_id: str = "taskrun1"

    def __post_init__(self) -> None:
        self.logs: list[tuple[Level, str]] = []
        self.metrics: list[tuple[str, str, float, dict[str, str]]] = []
        self.stores: dict[str, MemoryKv] = {}
        self.cancellation = ManualCancellation()
        self.storage = FolderStorage(self.root / "storage", "company/team/flow/executions/execution1/tasks/task")
        self.functions = Functions(secret=lambda key, *_: self.secrets[key])
        self.folder: Path | None = None
        self.lock = threading.Lock()
        self.held_cache = MemoryCache()
        self.all_executions: Any = None

    def _all(self) -> dict[str, Any]:
        base = {
            "flow": {"id": self.flow_id, "namespace": self.namespace},
            "execution": {"id": self.execution_id, "startDate": NOW},
            "task": {"id": self.task_id},
            "taskrun": {"id": self.task_run_id},
        }
        own = {} if self.folder is None else {"workingDir": str(self.folder)}
        return {**base, **own, **self.variables}

    def render(self, template: str) -> str:
        return environment.render(template, self._all(), self.functions)

    def render_typed(self, template: str) -> Any:
        return environment.render_typed(template, self._all(), self.functions)

    def render_tree(self, value: Any) -> Any:
        return environment.render_tree(value, self._all(), self.functions)

    def log(self, level: Level, message: str) -> None:
        with self.lock:
            self.logs.append((level, message))

    def metric(self, kind: str, name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        self.metrics.append((kind, name, value, dict(tags or {})))

    def kv(self, namespace: str | None = None) -> MemoryKv:
        return self.stores.setdefault(namespace or self.namespace, MemoryKv({}))

    def secret(self, key: str) -> str:
        return self.secrets[key]

    def working_directory(self) -> Path:
        if self.folder is None:
            self.folder = self.root / "work"
            self.folder.mkdir(parents=True)
        return self.folder

    def with_variables(self, variables: Mapping[str, Any]) -> VariablesOnTop:
        return VariablesOnTop(self, variables)

    def encrypt(self, text: str) -> dict[str, Any]:
        return {"type": "io.kestra.datatype:aes_encrypted", "value": text[::-1]}

    def executions(self) -> Any:
        return self.all_executions

    def namespace_files(self, namespace: str | None = None) -> FolderNamespaceFiles:
        folder = self.root / "namespaces" / (namespace or self.namespace)
        folder.mkdir(parents=True, exist_ok=True)
        return FolderNamespaceFiles(folder)

    def cache(self) -> MemoryCache:
        return self.held_cache

    def now(self) -> datetime:
        return NOW

    def messages(self, level: Level) -> list[str]:
        """The lines of one level, in order."""
        return [message for written, message in self.logs if written is level]
