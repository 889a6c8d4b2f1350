"""The supervisor with real, tiny processes: restarts, lines, bounded stop, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kestra_ee.launcher.orphans import sweep_leftovers

Eventually = Callable[..., None]
PROGRAM = Path(__file__).with_name("dummy_product.py")


class Product:
    """The dummy product as a process; what it printed is in a file."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(folder), *words], stdout=output, stderr=output
            )

    def said(self) -> str:
        return self.output.read_text()

    def pid(self, name: str) -> int:
        try:
            pids = dict(line.split() for line in (self.folder / "pids").read_text().splitlines())
        except FileNotFoundError:
            return 0
        return int(pids.get(name, 0))

    def stop(self) -> float:
        start = time.monotonic()
        self.process.terminate()
        assert self.process.wait(timeout=12) == 0, self.said()
        return time.monotonic() - start


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Product]]:
    products = []

    def start(*words: str) -> Product:
        products.append(Product(home, *words))
        return products[-1]

    yield start
    for product in products:
        product.process.kill()
        product.process.wait()
    sweep_leftovers(str(home))


def marked(folder: Path) -> list[int]:
    """Living processes that carry the mark of the product in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"KESTRA_EE_LAUNCH={folder}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_child_that_dies_is_started_again_with_a_log_line(
    start: Callable[..., Product], eventually: Eventually
) -> None:
    product = start("web=steady", "beat=steady")
    eventually(lambda: product.pid("web"))
    first, other = product.pid("web"), product.pid("beat")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: product.pid("web") not in (0, first))
    assert "web ended (signal 9), starting it again in 0.2 s" in product.said()
    assert product.pid("beat") == other


def test_a_child_that_dies_again_and_again_is_started_ever_later(
    start: Callable[..., Product], eventually: Eventually
) -> None:
    product = start("web=dying")
    eventually(lambda: "web ended (exit code 3), starting it again in 0.8 s" in product.said())


def test_lines_come_whole_behind_the_name(start: Callable[..., Product], eventually: Eventually) -> None:
    product = start("executor=chatty")
    eventually(lambda: "executor | two, still two\n" in product.said())
    assert "executor | one\n" in product.said()


def test_stops_in_order_quickly_and_leaves_nothing(start: Callable[..., Product], eventually: Eventually) -> None:
    product = start("web=steady", "worker=steady")
    eventually(lambda: product.said().count("steady") == 2)
    assert product.stop() < 2
    assert marked(product.folder) == []


def test_a_child_that_does_not_stop_is_killed_within_the_bound(
    start: Callable[..., Product], eventually: Eventually
) -> None:
    product = start("web=steady", "worker=stubborn")
    eventually(lambda: "stubborn" in product.said())
    assert 4 < product.stop() < 9
    assert "worker did not stop in time and is killed" in product.said()
    assert marked(product.folder) == []


def test_a_second_ctrl_c_does_not_wait(start: Callable[..., Product], eventually: Eventually) -> None:
    product = start("worker=stubborn")
    eventually(lambda: "stubborn" in product.said())
    began = time.monotonic()
    while product.process.poll() is None and time.monotonic() - began < 8:
        product.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert time.monotonic() - began < 4


def test_what_a_dead_worker_was_running_ends_too(
    start: Callable[..., Product], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    product = start("worker=parent")
    eventually(lambda: "task " in product.said())
    task = int(product.said().split("task ")[1].split()[0])
    os.kill(product.pid("worker"), signal.SIGKILL)
    eventually(lambda: not is_alive(task))


def test_nothing_of_a_worker_outlives_a_stop(
    start: Callable[..., Product], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    product = start("worker=parent")
    eventually(lambda: "task " in product.said())
    task = int(product.said().split("task ")[1].split()[0])
    product.stop()
    assert not is_alive(task)


def test_after_kill_9_of_the_supervisor_children_end_and_the_rest_can_be_swept(
    start: Callable[..., Product], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    product = start("web=steady", "worker=stubborn")
    eventually(lambda: "stubborn" in product.said())
    web, worker = product.pid("web"), product.pid("worker")
    product.process.kill()
    product.process.wait()
    eventually(lambda: not is_alive(web))
    assert is_alive(worker)
    assert sweep_leftovers(str(product.folder)) == 1
    assert not is_alive(worker)


def test_postgres_is_started_again_on_its_port_and_stopped_last(
    start: Callable[..., Product], eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    product = start("postgres=postgres", "web=steady")
    eventually(lambda: product.pid("postgres"), within=20)
    first = product.pid("postgres")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: "PostgreSQL runs again" in product.said(), within=20)
    eventually(lambda: product.pid("postgres") not in (0, first))
    second = product.pid("postgres")
    product.stop()
    assert not is_alive(second)
    assert not (product.folder / "postgres" / "data" / "postmaster.pid").exists()
