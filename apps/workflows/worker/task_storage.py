"""Internal storage as one task run may use it: it writes under itself and reads what its execution may read."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from apps.storage.internal_storage import execution_address, is_below, open_storage, task_file_address
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.services.execution_files import readable_address


class TaskStorage:
    """Opened in the tenant of the task; usable from any of its threads afterwards."""

    def __init__(self, facts: ExecutionFacts, run: RunRow) -> None:
        self._facts = facts
        self._run = run
        self._storage = open_storage()

    def put(self, content: bytes | BinaryIO | Path, name: str) -> str:
        """Store a file under this task run; answers its address. A second one of that name replaces it."""
        facts = self._facts
        address = task_file_address(facts.namespace, facts.flow_id, facts.id, self._run.task_id, self._run.id, name)
        self._storage.put(address, content)
        return address

    def open(self, uri: str) -> BinaryIO:
        """Read a file. PermissionError when it is not this execution's to read, FileNotFoundError when it is absent."""
        return self._storage.open(readable_address(self._facts, uri))

    def size(self, uri: str) -> int:
        """Bytes of a file; errors as ``open``."""
        return self._storage.size(readable_address(self._facts, uri))

    def delete(self, uri: str) -> bool:
        """Remove a file of this execution; False when there was none."""
        if not is_below(uri, self._folder):
            raise PermissionError(f"Unable to delete the file '{uri}' as it doesn't belong to the current execution")
        return self._storage.delete(uri)

    def delete_all(self) -> list[str]:
        """Remove all files of this execution; answers their addresses."""
        return list(self._storage.delete_prefix(self._folder))

    @property
    def _folder(self) -> str:
        return execution_address(self._facts.namespace, self._facts.flow_id, self._facts.id)
