"""Processes whose parent died: found by /proc and killed, so that nothing of a worker outlives it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = "KESTRA_EE_LAUNCH"
_PROC = Path("/proc")


def direct_children(parent: int) -> Iterator[tuple[int, int]]:
    """(process id, process group) of the living children; nothing where there is no /proc."""
    for pid, fields in _processes():
        if int(fields[1]) == parent and fields[0] != "Z":
            yield pid, int(fields[2])


def has_children(pid: int) -> bool:
    """Where there is no /proc nobody can tell: True."""
    return not _PROC.is_dir() or any(direct_children(pid))


def kill_orphans(keep: frozenset[int], *, within: float) -> int:
    """SIGKILL to every direct child of this process not in `keep`, and to what these leave behind in turn; returns
    how many. This process must be the one orphans come to (`adopt_orphans`)."""
    killed: set[int] = set()
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = [(pid, group) for pid, group in direct_children(os.getpid()) if pid not in keep]
        for pid, group in found:
            killed.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            if group == pid:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
        reap_unknown(keep)
        if not found:
            break
        time.sleep(0.01)
    return len(killed)


def reap_unknown(keep: frozenset[int]) -> None:
    """Collect dead children that nobody waits for; those in `keep` belong to somebody."""
    for pid, fields in _processes():
        if int(fields[1]) == os.getpid() and fields[0] == "Z" and pid not in keep:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def sweep_leftovers(mark: str) -> int:
    """Kill what an earlier launcher of this data folder left when it was killed itself; returns how many. They are
    known by the mark in their environment. The caller holds the lock of the data folder."""
    wanted = f"{MARK}={mark}".encode()
    killed = 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        found = [pid for pid, fields in _processes() if fields[0] != "Z" and wanted in _environment(pid)]
        if not found:
            break
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        time.sleep(0.05)
    return killed


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # gone meanwhile, or not ours
        return []


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Process id and the fields of /proc/<id>/stat after the name: state, parent, process group, …"""
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                text = (entry / "stat").read_text(errors="replace")
                yield int(entry.name), text[text.rindex(")") + 2 :].split()
