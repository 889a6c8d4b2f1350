"""A deadline in the whole product: it fires in time, whatever the workers do, and nothing starts after it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.processes import processes_of, standing_still
from tests.support.product import Server, started

EXAMPLE = """
id: sla_example
namespace: company.team

sla:
  - id: maxDuration
    type: MAX_DURATION
    duration: PT2S
    behavior: FAIL
    labels:
      sla: missed
      reason: durationExceeded

tasks:
  - id: punctual
    type: io.kestra.plugin.core.log.Log
    message: Workflow started, monitoring SLA compliance.

  - id: sleepyhead
    type: io.kestra.plugin.core.flow.Sleep
    duration: PT3S

  - id: never_executed_task
    type: io.kestra.plugin.core.log.Log
    message: This task won't start because the SLA was violated.
"""
BUSY = """
id: busy
namespace: company.team
tasks:
  - {id: hold, type: io.kestra.plugin.scripts.shell.Commands, commands: ["sleep 600"]}
"""
DEADLINE = timedelta(seconds=2)
LATE = 1.5
"""Seconds after the deadline. Of three executions the one in the middle counts: other tests run beside this."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The product with one worker process, and the flows."""
    with started(tmp_path_factory.mktemp("sla"), KESTRA_EE_WORKER_PROCESSES="1") as server:
        for source in (EXAMPLE, BUSY):
            headers = {"Content-Type": "application/x-yaml"}
            server.client.post("/api/v1/main/flows", content=source, headers=headers).raise_for_status()
        yield server


def start(client: httpx.Client, flow: str = "sla_example") -> str:
    answer = client.post(f"/api/v1/main/executions/company.team/{flow}")
    answer.raise_for_status()
    return str(answer.json()["id"])


def read(client: httpx.Client, execution_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/main/executions/{execution_id}")
    answer.raise_for_status()
    return dict(answer.json())


def wait_for(client: httpx.Client, execution_id: str, state: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = read(client, execution_id)
        if found["state"]["current"] == state:
            return found
        time.sleep(0.1)  # polled until the deadline
    raise AssertionError(f"{execution_id} is not {state} after a minute: {found['state']}")


def dates(execution: dict[str, Any]) -> tuple[datetime, datetime]:
    """When it was created and when it entered its last state, by the server's clock."""
    history = execution["state"]["histories"]
    return datetime.fromisoformat(history[0]["date"]), datetime.fromisoformat(history[-1]["date"])


def check_missed(execution: dict[str, Any]) -> None:
    assert execution["state"]["current"] == "FAILED"
    labels = {label["key"]: label["value"] for label in execution["labels"]}
    assert (labels["sla"], labels["reason"]) == ("missed", "durationExceeded")
    assert "never_executed_task" not in [run["taskId"] for run in execution.get("taskRunList", [])]


def check_in_time(client: httpx.Client, ids: list[str]) -> None:
    """All missed, and noticed soon after the deadline."""
    late = []
    for execution in [wait_for(client, one, "FAILED") for one in ids]:
        check_missed(execution)
        created, ended = dates(execution)
        late.append((ended - created - DEADLINE).total_seconds())
    assert min(late) >= 0
    assert statistics.median(late) <= LATE, late


@pytest.mark.process
@pytest.mark.timeout(240)
def test_the_example_ends_failed_and_marked_within_four_seconds(product: Server) -> None:
    execution = wait_for(product.client, start(product.client), "FAILED")
    check_missed(execution)
    states = {run["taskId"]: run["state"]["current"] for run in execution["taskRunList"]}
    assert states == {"punctual": "SUCCESS", "sleepyhead": "FAILED"}
    created, ended = dates(execution)
    assert (ended - created).total_seconds() <= 4


@pytest.mark.process
@pytest.mark.timeout(240)
def test_it_fires_while_every_worker_is_busy(product: Server) -> None:
    client = product.client
    busy = start(client, "busy")
    try:
        wait_for(client, busy, "RUNNING")
        check_in_time(client, [start(client) for _ in range(3)])
        assert read(client, busy)["state"]["current"] == "RUNNING", "the only worker was free: the test showed nothing"
    finally:
        client.delete(f"/api/v1/main/executions/{busy}/kill").raise_for_status()
    wait_for(client, busy, "KILLED")


@pytest.mark.process
@pytest.mark.timeout(240)
def test_it_fires_while_no_worker_moves(product: Server) -> None:
    with standing_still(product, "worker.default"):
        check_in_time(product.client, [start(product.client) for _ in range(3)])


@pytest.mark.process
@pytest.mark.timeout(240)
def test_an_executor_that_was_away_fires_it_at_once_and_nothing_else_first(product: Server) -> None:
    client = product.client
    with standing_still(product, "executor"):
        execution_id = start(client)
        created, _ = dates(wait_for(client, execution_id, "RUNNING"))
        # The nap ends after three seconds: when the executor comes back its timer and the deadline are both due.
        while datetime.now(created.tzinfo) < created + timedelta(seconds=3.5):
            time.sleep(0.1)  # until that moment of the clock
        assert read(client, execution_id)["state"]["current"] == "RUNNING", "somebody else did the executor's work"
    back = datetime.now(created.tzinfo)
    execution = wait_for(client, execution_id, "FAILED")
    check_missed(execution)
    assert (dates(execution)[1] - back).total_seconds() <= 2 * LATE
    assert processes_of(product, "executor")
