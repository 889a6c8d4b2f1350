"""What is wrong before a start is one clear line, exit code 1."""

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from kestra_ee.launcher.checks import check_disk, check_home, check_port, check_python, explain_os_error
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.lock import HomeLock, LockedError
from kestra_ee.launcher.options import LaunchOptions


def kestra_ee(*words: str, settings: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "kestra_ee.cli", *words]
    return subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=False
    )


def only_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_port_in_use(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = kestra_ee("up", settings={"KESTRA_EE_HOME": str(home), "PORT": str(port)})
    assert only_line(done) == (
        f"kestra-ee: port {port} on 127.0.0.1 is in use by another program; set PORT to a free one"
    )


def test_locked_home(home: Path) -> None:
    with HomeLock(home):
        done = kestra_ee("up", settings={"KESTRA_EE_HOME": str(home)})
    assert f"the data folder {home} is in use by process {os.getpid()}" in only_line(done)


def test_home_that_cannot_be_made() -> None:
    done = kestra_ee("up", settings={"KESTRA_EE_HOME": "/proc/nothing/here"})
    assert "the data folder /proc/nothing/here cannot be written" in only_line(done)


def test_port_that_is_no_number(home: Path) -> None:
    done = kestra_ee("up", settings={"KESTRA_EE_HOME": str(home), "PORT": "http"})
    assert "PORT must be a number from 1 to 65535, not 'http'" in only_line(done)


def test_database_that_is_not_there(home: Path) -> None:
    settings = {"KESTRA_EE_HOME": str(home), "DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}
    assert "DATABASE_URL cannot be used" in only_line(kestra_ee("exec", "--", "true", settings=settings))


def test_wrong_python() -> None:
    with pytest.raises(LauncherError, match=r"Python 3\.11 or newer is needed, this is 3\.9"):
        check_python((3, 9))
    check_python((3, 11))


def test_full_disk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=40_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(LauncherError, match=r"is full: 40 MB free, 500 MB needed"):
        check_disk(home)
    (home / "postgres").mkdir()
    with pytest.raises(LauncherError, match=r"is full: 40 MB free, 100 MB needed"):
        check_disk(home)


def test_disk_full_while_running() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    assert str(explain_os_error(error)) == "the disk is full (/data/x)"


def test_unknown_host() -> None:
    with pytest.raises(LauncherError, match=r"cannot listen on no\.such\.host\.invalid:8080"):
        check_port("no.such.host.invalid", 8080)


def test_new_home_lets_nobody_look_in(home: Path) -> None:
    check_home(home / "deep" / "er")
    assert stat.S_IMODE((home / "deep" / "er").stat().st_mode) in (0o711, 0o700)


def test_lock_is_free_again_after_its_holder(home: Path) -> None:
    with HomeLock(home), pytest.raises(LockedError), HomeLock(home):
        pass
    with HomeLock(home):
        pass


def test_defaults() -> None:
    options = LaunchOptions.from_environment({"KESTRA_EE_HOME": "/data"})
    assert (options.host, options.port, options.public_url) == ("127.0.0.1", 8080, "http://localhost:8080")
    assert options.worker_processes >= 2


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"HOST": "0.0.0.0", "PORT": "9000"}, "http://localhost:9000"),
        ({"HOST": "10.1.2.3"}, "http://10.1.2.3:8080"),
        ({"HOST": "fe80::1"}, "http://[fe80::1]:8080"),
        ({"KESTRA_EE_URL": "https://flows.example.com/"}, "https://flows.example.com"),
    ],
)
def test_the_address_shown(settings: dict[str, str], url: str) -> None:
    assert LaunchOptions.from_environment(settings).public_url == url
