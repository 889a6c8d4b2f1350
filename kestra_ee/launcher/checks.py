"""What must be true before a start; each failure is one clear line."""

import errno
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Final

from kestra_ee.launcher.errors import LauncherError

OLDEST_PYTHON: Final = (3, 11)
FIRST_START_BYTES: Final = 500_000_000
LATER_START_BYTES: Final = 100_000_000


def check_python(version: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)) -> None:
    if version < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        raise LauncherError(f"Python {needed} or newer is needed, this is {version[0]}.{version[1]}")


def check_home(home: Path) -> None:
    """Made when missing. Others may pass through it (the database's user has to, when root starts), not look in."""
    try:
        if not home.is_dir():
            home.mkdir(parents=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
        probe = home / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LauncherError(f"the data folder {home} cannot be written: {error.strerror}") from error


def check_disk(home: Path, needed: int | None = None) -> None:
    if needed is None:
        needed = LATER_START_BYTES if (home / "postgres").exists() else FIRST_START_BYTES
    free = shutil.disk_usage(home).free
    if free < needed:
        raise LauncherError(f"the disk of {home} is full: {free // 10**6} MB free, {needed // 10**6} MB needed")


def check_port(host: str, port: int) -> None:
    """Whether the web process will be able to listen; a port left in TIME_WAIT by the last run counts as free."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, OverflowError) as error:
        raise LauncherError(f"cannot listen on {host}:{port}: {error}; set HOST and PORT") from error
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                probe.listen(1)  # some systems notice only here
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    line = f"port {port} on {host} is in use by another program; set PORT to a free one"
                else:
                    line = f"cannot listen on {host}:{port}: {error.strerror}; set HOST and PORT"
                raise LauncherError(line) from error


def explain_os_error(error: OSError) -> LauncherError:
    """An unexpected failure of a file or process call, as the one line to show."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LauncherError(f"the disk is full{f' ({error.filename})' if error.filename else ''}")
    return LauncherError(str(error))
