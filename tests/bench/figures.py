"""A line of the table, and what all workloads do: save a flow, start it, wait, read how long it took."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from tests.support.product import Server

NAMESPACE = "bench"
LOG = "io.kestra.plugin.core.log.Log"
RETURN = "io.kestra.plugin.core.debug.Return"


@dataclass(frozen=True)
class Figure:
    """One line of the table. ``per_commit`` relates it to the machine's own durable commit."""

    name: str
    value: float
    unit: str
    per_commit: float | None = None


def save(server: Server, flow_id: str, tasks: str) -> None:
    """Create the flow, or give it these tasks."""
    source = f"id: {flow_id}\nnamespace: {NAMESPACE}\ntasks:\n{tasks}"
    headers = {"Content-Type": "application/x-yaml"}
    answer = server.client.post("/api/v1/main/flows", content=source, headers=headers)
    if answer.status_code == 422 and "already exists" in answer.text:
        answer = server.client.put(f"/api/v1/main/flows/{NAMESPACE}/{flow_id}", content=source, headers=headers)
    answer.raise_for_status()


def start(client: httpx.Client, flow_id: str) -> str:
    """Start an execution; its id."""
    answer = client.post(f"/api/v1/main/executions/{NAMESPACE}/{flow_id}")
    answer.raise_for_status()
    return str(answer.json()["id"])


def wait(client: httpx.Client, execution_id: str, seconds: float = 600, look_every: float = 0.5) -> dict[str, Any]:
    """The ended execution; while it runs it is read ever more seldom, at last each ``look_every`` seconds."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while time.monotonic() < deadline:
        answer = client.get(f"/api/v1/main/executions/{execution_id}")
        answer.raise_for_status()
        execution = answer.json()
        state = execution["state"]["current"]
        if state in {"SUCCESS", "WARNING", "FAILED", "KILLED"}:
            if state != "SUCCESS":
                raise RuntimeError(f"{execution_id} ended {state}")
            return dict(execution)
        time.sleep(pause)  # polled until the deadline; rarely, so that the polling is not what is measured
        pause = min(pause * 1.5, look_every)
    raise RuntimeError(f"{execution_id} has not ended in {seconds} s")


def lasted(execution: dict[str, Any]) -> float:
    """Seconds from the creation to the end, by the server's clock."""
    dates = [datetime.fromisoformat(entry["date"]) for entry in execution["state"]["histories"]]
    return (dates[-1] - dates[0]).total_seconds()


def median_of(server: Server, flow_id: str, runs: int) -> float:
    """Median seconds of some executions, one after another, the first not counted."""
    times = [lasted(wait(server.client, start(server.client, flow_id))) for _ in range(runs + 1)]
    return statistics.median(times[1:])
