"""Files that outlive an execution: those of a namespace, and what a task keeps for the flow's next execution."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from apps.storage.internal_storage import (
    FileKind,
    FileMissing,
    cache_address,
    namespace_file_address,
    open_storage,
)
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.services.namespace_access import check_namespace


class TenantNamespaceFiles:
    """The files of one namespace: the worker's ``plugin_api.run_context.NamespaceFiles``. NamespaceNotAllowed."""

    def __init__(self, namespace: str, *, used_by: str) -> None:
        self.namespace = check_namespace(namespace, used_by=used_by)
        self._storage = open_storage()
        self._folder = namespace_file_address(self.namespace, "")

    def paths(self) -> list[str]:
        """All of them, in order."""
        found = self._storage.list(self._folder, recursive=True)
        return sorted(item.path.removeprefix(f"{self._folder}/") for item in found if item.kind is FileKind.FILE)

    def open(self, path: str) -> BinaryIO:
        """Read one."""
        return self._storage.open(self._address(path))

    def exists(self, path: str) -> bool:
        """Whether there is one."""
        return self._storage.exists(self._address(path))

    def put(self, path: str, content: bytes | BinaryIO | Path) -> None:
        """Store one."""
        self._storage.put(self._address(path), content)

    def delete(self, path: str) -> bool:
        """Remove one."""
        return self._storage.delete(self._address(path))

    def _address(self, path: str) -> str:
        return namespace_file_address(self.namespace, path)


class StoredTaskCache:
    """The cache of a task and, inside a loop, of a value: the worker's ``plugin_api.run_context.TaskCache``."""

    def __init__(self, facts: ExecutionFacts, task_id: str, value: str | None) -> None:
        self._storage = open_storage()
        self._address = cache_address(facts.namespace, facts.flow_id, task_id, value)

    def modified(self) -> datetime | None:
        """When it was stored."""
        try:
            return self._storage.attributes(self._address).modified
        except FileMissing:
            return None

    def open(self) -> BinaryIO:
        """Read it."""
        return self._storage.open(self._address)

    def put(self, content: BinaryIO) -> None:
        """Store it."""
        self._storage.put(self._address, content)
