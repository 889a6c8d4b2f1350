"""The log of an attempt whose task says ``logToFile``: on this machine while it runs, then in internal storage."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

from apps.workflows.execution_store.json_text import stamp
from apps.workflows.execution_store.save import LogRow
from apps.workflows.worker.task_storage import TaskStorage

IN_MEMORY = 256 * 1024
"""Bytes kept in memory before the rest goes to the disk."""
TAIL = 64 * 1024
"""Bytes of its end that are told when the file cannot be stored."""


class LogFile:
    """Lines as the download of a log writes them. Not for two threads at once: ``LogCapture`` guards it."""

    def __init__(self) -> None:
        self._spool = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - see close

    def write(self, row: LogRow) -> None:
        """Add a line."""
        self._spool.write(f"{stamp(row.moment)} {row.level.value} {row.message}\n".encode(errors="replace"))

    @property
    def empty(self) -> bool:
        """Whether nothing was written."""
        return self._spool.tell() == 0

    def store(self, storage: TaskStorage, attempt: int) -> str:
        """Put the file into its task run's storage; answers its address. Raises what the storage raises."""
        self._spool.seek(0)
        return storage.put(self._spool, f"logs/attempt-{attempt}.log")

    def tail(self) -> str:
        """The end of it."""
        size = self._spool.seek(0, 2)
        self._spool.seek(max(size - TAIL, 0))
        return self._spool.read().decode(errors="replace")

    def close(self) -> None:
        """Remove what is on this machine."""
        self._spool.close()
