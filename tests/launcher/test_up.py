"""`kestra-ee up` as a person runs it: from an empty folder to an answer, restarts, a second start, and a clean stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kestra_ee.launcher.orphans import sweep_leftovers

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]
Eventually = Callable[..., None]
FIRST_START_SECONDS = 120  # on a machine that runs the other tests at the same time
SECOND_START_SECONDS = 10
NOT_INHERITED = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "KESTRA_EE_ADMIN_PASSWORD", "HOST")


class Instance:
    def __init__(self, home: Path, port: int, **settings: str) -> None:
        self.home = home
        self.port = port
        self.output = home.parent / f"{home.name}.output"
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        environment = {name: value for name, value in environment.items() if not name.startswith("KESTRA_EE_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kestra_ee.cli", "up"],
                env={**environment, "KESTRA_EE_HOME": str(home), "PORT": str(port), **settings},
                stdout=output,
                stderr=output,
            )
        self._began = time.monotonic()

    def said(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self, within: float) -> float:
        while "Ready in" not in self.said():
            took = time.monotonic() - self._began
            assert self.process.poll() is None, self.said()
            assert took < within, self.said()
            time.sleep(0.05)
        return time.monotonic() - self._began

    def health(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
            return int(answer.status)

    def stop(self, number: signal.Signals) -> float:
        began = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(timeout=15) == 0, self.said()
        return time.monotonic() - began

    def processes(self, word: str = "") -> list[int]:
        """Living processes that name the data folder in their environment or command line."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                try:
                    command = (entry / "cmdline").read_bytes()
                    named = f"KESTRA_EE_HOME={self.home}".encode() in (entry / "environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                if (named or str(self.home).encode() in command) and word.encode() in command:
                    found.append(int(entry.name))
        return found


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Instance]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    instances: list[Instance] = []

    def start(**settings: str) -> Instance:
        instances.append(Instance(home, port, **settings))
        return instances[-1]

    yield start
    for instance in instances:
        if instance.process.poll() is None:
            instance.process.terminate()
            try:
                instance.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                instance.process.kill()
                instance.process.wait()
        instance.output.unlink(missing_ok=True)
    sweep_leftovers(str(home))


def test_life_of_an_instance(start: Callable[..., Instance], eventually: Eventually) -> None:
    first = start()
    first.wait_until_ready(FIRST_START_SECONDS)
    assert first.health() == 200
    assert re.search(r"Sign in as admin@\S+ with the password \w{16} ", first.said())

    web = first.processes("uvicorn")
    assert len(web) == 1
    os.kill(web[0], signal.SIGKILL)
    eventually(lambda: "web ended (signal 9), starting it again" in first.said())
    eventually(lambda: first.processes("uvicorn") not in ([], web))

    refused = start()
    assert refused.process.wait(timeout=30) == 1
    assert "is in use by process" in refused.said()

    assert first.stop(signal.SIGTERM) < 10
    eventually(lambda: first.processes() == [])

    second = start()
    assert second.wait_until_ready(FIRST_START_SECONDS) < SECOND_START_SECONDS
    assert "password" not in second.said()
    assert second.health() == 200
    assert second.stop(signal.SIGINT) < 10
    eventually(lambda: second.processes() == [])


def test_a_start_after_kill_9_is_clean(start: Callable[..., Instance], eventually: Eventually) -> None:
    first = start()
    first.wait_until_ready(FIRST_START_SECONDS)
    first.process.kill()
    first.process.wait()
    second = start()
    second.wait_until_ready(FIRST_START_SECONDS)
    assert second.health() == 200
    assert second.stop(signal.SIGTERM) < 10
    eventually(lambda: second.processes() == [])


def test_a_process_that_cannot_load_ends_the_start_with_one_clear_line(start: Callable[..., Instance]) -> None:
    instance = start(CELERY_BROKER_URL="nonsense://nowhere")
    assert instance.process.wait(timeout=FIRST_START_SECONDS) == 1
    assert re.search(r"^kestra-ee: (worker|executor|beat) does not start, see its lines above$", instance.said(), re.M)
    assert "with the password" in instance.said()
    assert instance.processes() == []
