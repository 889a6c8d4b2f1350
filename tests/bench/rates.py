"""W4: many short executions, as fast as eight clients can ask for them, and at an even pace.

The clients are plain sockets: on the same two cores, a comfortable client would take a third of what is measured.
"""

from __future__ import annotations

import base64
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx

from tests.bench.figures import LOG, NAMESPACE, RETURN, Figure, lasted, save, wait
from tests.support.product import Server

CLIENTS = 8
SAMPLE = 300
"""Executions whose time from creation to end is read afterwards, evenly spread over all."""
PACE = 100
"""Executions a second that the paced variant offers: 6,000 a minute."""


class Caller:
    """One connection that starts the flow w4 again and again."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(str(server.client.base_url))
        self._connection = http.client.HTTPConnection(parts.hostname or "localhost", parts.port, timeout=60)
        self._connection.connect()
        name, password = server.credentials
        login = base64.b64encode(f"{name}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Content-Length": "0"}

    def start(self) -> str:
        """Start an execution; its id."""
        self._connection.request("POST", f"/api/v1/main/executions/{NAMESPACE}/w4", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return str(json.loads(body)["id"])

    def close(self) -> None:
        self._connection.close()


def w4_rate(server: Server, commit: float, seconds: float = 20) -> list[Figure]:
    """Requests without a pause: executions a minute until the last one has ended."""
    until = time.monotonic() + seconds
    return _run(server, lambda: iter(lambda: time.monotonic() < until, False), "W4 without a pause")


def w4_paced(server: Server, commit: float, seconds: float = 30) -> list[Figure]:
    """The same requests at an even pace: how long an execution takes while the system keeps up, or does not."""
    began, total = time.monotonic(), int(PACE * seconds)
    numbers = iter(range(total))
    lock = threading.Lock()

    def turns() -> Iterator[bool]:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            time.sleep(max(0.0, began + number / PACE - time.monotonic()))
            yield True

    return _run(server, turns, f"W4 at {PACE * 60:,} a minute")


def _run(server: Server, turns: Callable[[], Iterator[bool]], title: str) -> list[Figure]:
    save(server, "w4", f"  - {{id: a, type: {RETURN}, format: x}}\n  - {{id: b, type: {LOG}, message: y}}\n")
    wait(server.client, Caller(server).start())
    started: list[tuple[str, float]] = []

    def one_client(_: int) -> None:
        caller = Caller(server)
        for _turn in turns():
            asked = time.monotonic()
            started.append((caller.start(), (time.monotonic() - asked) * 1000))
        caller.close()

    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one_client, range(CLIENTS)))
    asked_for = time.monotonic() - began
    for execution_id, _ in started[-CLIENTS:]:
        wait(server.client, execution_id)
    minutes = (time.monotonic() - began) / 60
    times = _times(server.client, [execution_id for execution_id, _ in started])
    answers = [taken for _, taken in started]
    return [
        Figure(f"{title}: ended", len(started) / minutes, "/min"),
        Figure(f"{title}: accepted", len(started) / asked_for * 60, "/min"),
        Figure(f"{title}: creation to end, p50", statistics.median(times), "ms"),
        Figure(f"{title}: creation to end, p95", _p95(times), "ms"),
        Figure(f"{title}: answer of the request, p95", _p95(answers), "ms"),
    ]


def _times(client: httpx.Client, ids: list[str]) -> list[float]:
    """Milliseconds from creation to end of a sample."""
    return [lasted(wait(client, one)) * 1000 for one in ids[:: max(len(ids) // SAMPLE, 1)]]


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
