"""The same sequence of 40 light tasks as a bare Celery chain over Redis that waits for the disk, for comparison."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.bench.figures import Figure
from tests.support.product import Server

TASKS, RUNS = 40, 9
MOST = 4.0
"""What a task of ours may cost against one of the chain."""

# One that runs: it sends chains and waits for the last result of each. A process of its own, since an application of
# Celery reads its address when it is imported.
CLIENT = """
import sys, time
from celery import chain
from tests.bench.chain_app import step
for _ in range(int(sys.argv[2]) + 1):
    began = time.perf_counter()
    result = chain(step.s(0), *(step.s() for _ in range(int(sys.argv[1]) - 1))).apply_async()
    assert result.get(timeout=120, interval=0.001) == int(sys.argv[1])
    print(time.perf_counter() - began, flush=True)
"""


def celery_chain(server: Server, commit: float, sequence: Callable[[Server, float], list[Figure]]) -> list[Figure]:
    """Milliseconds of a task in a chain, and ours in relation to it, measured one after the other."""
    (own,) = sequence(server, commit)
    bare = _chain_ms()
    return [
        own,
        Figure("a bare Celery chain over Redis, per task", bare, "ms", bare / commit),
        Figure(f"W1 against the bare chain (at most {MOST:.0f})", own.value / bare, "x"),
    ]


def _chain_ms() -> float:
    """One worker process; results are kept, and each command of Redis waits for its log on the disk."""
    redis = shutil.which("redis-server")
    if redis is None:
        raise RuntimeError("redis-server is not installed: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="kestra-ee-chain-", dir="/tmp") as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--dir", folder]
        environment = os.environ | {"BENCH_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        worker = ["-m", "celery", "--quiet", "-A", "tests.bench.chain_app", "worker", "-c", "1", "--loglevel", "ERROR"]
        with (
            _running([redis, "--port", str(port), "--bind", "127.0.0.1", *durable], environment),
            _running(
                [sys.executable, *worker, "--without-gossip", "--without-mingle", "--without-heartbeat"], environment
            ),
        ):
            asked = [sys.executable, "-c", CLIENT, str(TASKS), str(RUNS)]
            out = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True, timeout=600)
    return statistics.median(float(line) for line in out.stdout.split()[1:]) / TASKS * 1000


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)  # not for readiness, which the client waits for by itself: to see a process that ends at once
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended at once ({process.returncode})")
        yield
    finally:
        process.terminate()
        process.wait(20)
