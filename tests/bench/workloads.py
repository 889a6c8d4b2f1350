"""The workloads: each saves its flow, starts executions over the API, and measures until they have ended."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def wait(client: httpx.Client, execution_id: str, seconds: float = 600) -> dict[str, Any]:
    """The ended execution."""
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
        pause = min(pause * 1.5, 0.5)
    raise RuntimeError(f"{execution_id} has not ended in {seconds} s")


def lasted(execution: dict[str, Any]) -> float:
    """Seconds from the creation to the end, by the server's clock."""
    dates = [datetime.fromisoformat(entry["date"]) for entry in execution["state"]["histories"]]
    return (dates[-1] - dates[0]).total_seconds()


def median_of(server: Server, flow_id: str, runs: int) -> float:
    """Median seconds of some executions, one after another, the first not counted."""
    times = [lasted(wait(server.client, start(server.client, flow_id))) for _ in range(runs + 1)]
    return statistics.median(times[1:])


def w1_sequence(server: Server, commit: float) -> list[Figure]:
    """40 sequential light tasks."""
    save(server, "w1", "".join(f"  - {{id: t{n}, type: {LOG}, message: line {n}}}\n" for n in range(40)))
    per_task = median_of(server, "w1", 9) / 40 * 1000
    return [Figure("W1 40 light tasks in sequence, per task", per_task, "ms", per_task / commit)]


def w3_fan_out(server: Server, commit: float) -> list[Figure]:
    """A Parallel of 100."""
    tasks = "".join(f"      - {{id: p{n}, type: {RETURN}, format: x}}\n" for n in range(100))
    save(server, "w3", f"  - id: all\n    type: io.kestra.plugin.core.flow.Parallel\n    tasks:\n{tasks}")
    seconds = median_of(server, "w3", 5)
    return [Figure("W3 fan-out of 100", seconds * 1000, "ms", seconds * 1000 / 101 / commit)]


def single(server: Server, commit: float) -> list[Figure]:
    """One task on an idle system."""
    save(server, "one", f"  - {{id: only, type: {RETURN}, format: x}}\n")
    times = []
    for _ in range(21):
        times.append(lasted(wait(server.client, start(server.client, "one"))) * 1000)
    value = statistics.median(times[1:])
    return [Figure("one task on an idle system, p50", value, "ms", value / commit)]


def w4_rate(server: Server, commit: float, seconds: float = 20, clients: int = 8) -> list[Figure]:
    """Requests that each start a two-task flow: executions per minute, and how long each takes to its end."""
    save(server, "w4", f"  - {{id: a, type: {RETURN}, format: x}}\n  - {{id: b, type: {LOG}, message: y}}\n")
    until = time.monotonic() + seconds
    started: list[str] = []
    lock = threading.Lock()

    def one_client(_: int) -> None:
        with httpx.Client(base_url=server.client.base_url, auth=server.client.auth, timeout=60) as client:
            while time.monotonic() < until:
                execution_id = start(client, "w4")
                with lock:
                    started.append(execution_id)

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(one_client, range(clients)))
    for execution_id in started[-1:]:
        wait(server.client, execution_id)
    times = sorted(
        lasted(wait(server.client, execution_id)) * 1000 for execution_id in started[:: max(len(started) // 200, 1)]
    )
    minute = len(started) / (time.monotonic() - began) * 60
    return [
        Figure("W4 two-task executions per minute", minute, "/min"),
        Figure("W4 creation to end, p50", statistics.median(times), "ms"),
        Figure("W4 creation to end, p95", times[int(len(times) * 0.95)], "ms"),
    ]


def w6_loops(server: Server, commit: float) -> list[Figure]:
    """One ForEach of 100, 1,000 and 10,000 iterations: the cost of an iteration must stay flat."""
    figures = []
    for count in (100, 1_000, 10_000):
        values = f"{{{{ range(1, {count}) }}}}"
        save(
            server,
            f"w6-{count}",
            "  - id: loop\n    type: io.kestra.plugin.core.flow.ForEach\n"
            f'    values: "{values}"\n    tasks:\n'
            f'      - {{id: x, type: {RETURN}, format: "{{{{ taskrun.value }}}}"}}\n',
        )
        per = median_of(server, f"w6-{count}", 3 if count < 10_000 else 1) / count * 1000
        figures.append(Figure(f"W6 ForEach of {count:,}, per iteration", per, "ms", per / commit))
    ratio = figures[-1].value / figures[0].value
    return [*figures, Figure("W6 iteration at 10,000 against 100", ratio, "x")]


WORKLOADS: dict[str, Callable[[Server, float], list[Figure]]] = {
    "one": single,
    "w1": w1_sequence,
    "w3": w3_fan_out,
    "w4": w4_rate,
    "w6": w6_loops,
}
