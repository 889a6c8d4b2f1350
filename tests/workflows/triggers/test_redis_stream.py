"""The Redis list as a stream, on a real server: two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from redis import Redis
from redis.exceptions import ConnectionError

from apps.workflows.models import Execution, TriggerState
from tests.support.flow_runner import FlowRunner
from tests.support.stream_process import LEASE_SECONDS

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
ITEMS = 300


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    server = Redis.from_url(f"redis://127.0.0.1:{port}/0", decode_responses=True)
    until(lambda: _answers(server), "redis-server answers")
    yield server
    server.close()
    process.terminate()
    process.wait(20)


@pytest.fixture
def workers() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    held = connection.settings_dict
    address = f"postgresql://{held['USER']}:{held['PASSWORD']}@{held['HOST']}:{held['PORT']}/{held['NAME']}"
    made: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.stream_process", name]
        made.append(subprocess.Popen(command, env={**os.environ, "DATABASE_URL": address}, stdout=subprocess.PIPE))
        assert made[-1].stdout is not None
        assert made[-1].stdout.readline() == b"ready\n"
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.communicate(timeout=20)


def _answers(server: Redis) -> bool:
    try:
        return bool(server.ping())
    except ConnectionError:
        return False


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)  # polled until the deadline


def holder() -> str:
    return TriggerState.objects.get().worker_id


def test_no_item_is_lost_or_doubled_when_the_worker_that_listens_is_killed(
    flows: FlowRunner, redis: Redis, workers: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    port = redis.connection_pool.connection_kwargs["port"]
    flows.save(f"""
id: orders
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "{{{{ trigger.value.number }}}}"}}
triggers:
  - id: order
    type: io.kestra.plugin.redis.list.RealtimeTrigger
    url: redis://127.0.0.1:{port}/0
    key: orders
    serdeType: JSON
""")
    processes = {name: workers(name) for name in ("first", "second")}
    until(lambda: holder() != "", "one of them listens")
    victim = holder()
    for number in range(ITEMS):
        redis.rpush("orders", f'{{"number": {number}}}')
    until(lambda: Execution.objects.count() >= ITEMS // 4, "it is in the middle")
    processes[victim].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: holder() not in ("", victim), "the other one listens")
    assert time.monotonic() - killed < LEASE_SECONDS + 10, "about as long as the lease lasts, on a busy machine"
    until(lambda: Execution.objects.count() >= ITEMS and redis.llen("orders") == 0, "all items are there")
    until(lambda: redis.llen("orders:kestra:company.team.orders.order") == 0, "all are acknowledged")
    counted = Counter(one.trigger["variables"]["value"]["number"] for one in Execution.objects.all())
    assert counted == Counter(range(ITEMS))
