"""The processes of a started product, told by the queue they consume."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.product import Server


def processes_of(server: Server, queue: str) -> list[int]:
    """Pids of those that consume a queue (worker.default, executor), pool and all."""
    assert server.process is not None
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            if queue.encode() in command and _descends(int(entry.name), server.process.pid):
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return found


@contextmanager
def standing_still(server: Server, queue: str) -> Iterator[None]:
    """Inside, the processes that consume a queue do nothing, and nobody notices that they could be started anew."""
    pids = processes_of(server, queue)
    assert pids, f"no process consumes {queue}"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False
