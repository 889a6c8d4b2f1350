"""The product under crashes: a worker killed in the middle, the broker's data gone in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import psycopg
import pytest

from tests.support.processes import processes_of
from tests.support.product import Server, started

BOUND = 90
"""Seconds after the fault in which everything must have ended."""
FLOW = """
id: crash
namespace: company.team
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c, d, e]
    concurrencyLimit: 0
    tasks:
      - {id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
      - id: work
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["sleep 0.4", "echo '::{\\"outputs\\":{\\"said\\":\\"{{ taskrun.value }}\\"}}::'"]
      - {id: two, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.work[taskrun.value].vars.said }}"}
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}
  - {id: last, type: io.kestra.plugin.core.log.Log, message: done}
"""
RUNS = Counter({"loop": 1, "one": 5, "work": 5, "two": 5, "nap": 1, "last": 1})


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product, with the flow saved."""
    with started(tmp_path_factory.mktemp("crash")) as server:
        headers = {"Content-Type": "application/x-yaml"}
        server.client.post("/api/v1/main/flows", content=FLOW, headers=headers).raise_for_status()
        yield server


def start_many(client: httpx.Client, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        answer = client.post("/api/v1/main/executions/company.team/crash")
        answer.raise_for_status()
        ids.append(answer.json()["id"])
    return ids


def execution(client: httpx.Client, execution_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/main/executions/{execution_id}")
    answer.raise_for_status()
    return dict(answer.json())


def wait_for_some_work(client: httpx.Client, ids: list[str]) -> None:
    """Until some have begun and none of them all has ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if any(execution(client, one).get("taskRunList") for one in ids[:5]):
            return
        time.sleep(0.05)  # polled until the deadline
    raise AssertionError("nothing began")


def all_ended(client: httpx.Client, ids: list[str], since: float) -> list[dict[str, Any]]:
    """The executions, all of them ended, within the bound."""
    left = set(ids)
    while left:
        assert time.monotonic() - since < BOUND, [execution(client, one)["state"]["current"] for one in left]
        left -= {one for one in left if execution(client, one)["state"]["current"] in {"SUCCESS", "FAILED", "KILLED"}}
        time.sleep(0.3)  # polled until the bound
    return [execution(client, one) for one in ids]


def check_each_run_counted_once(executions: list[dict[str, Any]]) -> Counter[str]:
    """Every execution SUCCESS, with each task run once and one successful attempt each; the ends of all attempts."""
    ends: Counter[str] = Counter()
    for one in executions:
        assert one["state"]["current"] == "SUCCESS", one
        assert Counter(run["taskId"] for run in one["taskRunList"]) == RUNS
        for run in one["taskRunList"]:
            assert run["state"]["current"] == "SUCCESS", run
            found = [attempt["state"]["current"] for attempt in run.get("attempts") or []]
            assert found.count("SUCCESS") <= 1, run
            ends.update(found)
    return ends


@pytest.mark.process
@pytest.mark.timeout(240)
def test_a_worker_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(product: Server) -> None:
    ids = start_many(product.client, 20)
    wait_for_some_work(product.client, ids)
    pids = processes_of(product, "worker.default")
    assert pids, "no worker process was found"
    for pid in pids:
        with suppress(ProcessLookupError):  # a pool process may be gone with its parent
            os.kill(pid, signal.SIGKILL)
    fault = time.monotonic()
    ends = check_each_run_counted_once(all_ended(product.client, ids, fault))
    assert ends["KILLED"] > 0, "no task was running when the worker was killed: the test did no harm"


@pytest.mark.process
@pytest.mark.timeout(240)
def test_a_broker_whose_data_is_gone_in_the_middle_stops_nothing(product: Server) -> None:
    assert product.database_url is not None
    ids = start_many(product.client, 20)
    wiped = wipe_queues(product.database_url)
    fault = time.monotonic()
    check_each_run_counted_once(all_ended(product.client, ids, fault))
    assert wiped > 0, "no message waited when the broker was wiped: the test did no harm"


def wipe_queues(database_url: str) -> int:
    """Delete every message of the embedded broker, again and again for two seconds; how many."""
    wiped = 0
    until = time.monotonic() + 2
    with psycopg.connect(database_url.rpartition("/")[0] + "/kestra_ee_queue", autocommit=True) as queues:
        names = [row[0] for row in queues.execute("SELECT queue_name FROM pgmq.meta").fetchall()]
        while time.monotonic() < until:
            for name in names:
                wiped += queues.execute(f'DELETE FROM pgmq."q_{name}"').rowcount  # type: ignore[call-overload]
    return wiped
