"""Folders a database can live in, and waiting with a deadline."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kestra_ee.launcher.postgres import EmbeddedPostgres, temporary_postgres


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder; not pytest's own, which the database's user could not enter when root runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="kestra-ee-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def throw_away() -> Iterator[EmbeddedPostgres]:
    with temporary_postgres() as server:
        yield server


@pytest.fixture
def eventually() -> Callable[..., None]:
    """`eventually(condition, within=5)` fails when the condition does not come true in time."""

    def wait(condition: Callable[[], object], *, within: float = 10) -> None:
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Whether a process still runs; a zombie does not."""

    def alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except (ProcessLookupError, FileNotFoundError):
            return False

    return alive


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "process: starts the whole product as a person would")
