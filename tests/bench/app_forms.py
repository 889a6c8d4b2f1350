"""Two hundred people send an App's form at once: none lost, none doubled; how long each waited."""

from __future__ import annotations

import html
import os
import re
import statistics
import threading
import time
from pathlib import Path
from typing import Final

import httpx

from tests.bench.figures import NAMESPACE, RETURN, Figure
from tests.support.product import Server

PEOPLE: Final = 200
YAML: Final = {"Content-Type": "application/x-yaml"}
FLOW: Final = (
    f"id: app-form\nnamespace: {NAMESPACE}\ninputs:\n  - {{id: number, type: INT}}\n"
    f'tasks:\n  - {{id: note, type: {RETURN}, format: "{{{{ inputs.number }}}}"}}\n'
)
APP: Final = (
    f"id: app-form\ntype: io.kestra.plugin.ee.apps.Execution\ndisplayName: Form\nnamespace: {NAMESPACE}\n"
    "flowId: app-form\naccess: PRIVATE\n"
)


def apps_at_once(server: Server, commit: float) -> list[Figure]:
    """Everybody has the form open and sends it at the same moment, on a connection of his own, each twice in a row as
    by a double click. Fails when an execution is missing or one too many."""
    client = server.client
    for path, source in (("/api/v1/main/flows", FLOW), ("/api/v1/main/apps", APP)):
        answer = client.post(path, content=source, headers=YAML)
        answer.raise_for_status()
    page = f"/ui/main/apps/{answer.json()['uid']}"
    people = [_open(server, page) for _ in range(PEOPLE)]
    gate, waits, ids, lock = threading.Barrier(PEOPLE), [], [], threading.Lock()

    def send(number: int) -> None:
        person, dispatch = people[number]
        body = {"dispatch": dispatch, "action": "create", "inputs.number": str(number)}
        gate.wait()
        begun = time.perf_counter()
        first = person.post(page, data=body)
        took = (time.perf_counter() - begun) * 1000
        second = person.post(page, data=body)
        with lock:
            waits.append(took)
            ids.append((first.status_code, first.headers.get("Location"), second.headers.get("Location")))

    used = _web_seconds(server)
    threads = [threading.Thread(target=send, args=(number,)) for number in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = _web_seconds(server) - used
    wrong = [one for one in ids if one[0] != 303 or one[1] != one[2]]
    if wrong or len({one[1] for one in ids}) != PEOPLE:
        raise RuntimeError(f"Lost or doubled: {wrong[:3]}")
    total = client.get("/api/v1/main/executions/search", params={"namespace": NAMESPACE, "flowId": "app-form"}).json()
    if total["total"] != PEOPLE:
        raise RuntimeError(f"{total['total']} executions of {PEOPLE} forms")
    p95 = statistics.quantiles(waits, n=20)[-1]
    figures = [
        Figure(f"{PEOPLE} forms at once, p50 of a submit", statistics.median(waits), "ms"),
        Figure(f"{PEOPLE} forms at once, p95 of a submit", p95, "ms", p95 / commit),
    ]
    if used > 0:
        figures.append(Figure("processor time of all processes per submit", used * 1000 / PEOPLE / 2, "ms"))
    one = _one_by_one(server, page)
    figures.append(Figure("a submit by itself, p50", one, "ms", one / commit))
    return figures


def _open(server: Server, page: str) -> tuple[httpx.Client, str]:
    person = httpx.Client(base_url=server.client.base_url, auth=server.credentials, timeout=120)
    shown = person.get(page)
    shown.raise_for_status()
    found = re.search(r'name="dispatch" value="([^"]+)"', shown.text)
    if found is None:
        raise RuntimeError("The page has no form.")
    return person, html.unescape(found[1])


def _one_by_one(server: Server, page: str) -> float:
    waits = []
    for number in range(21):
        person, dispatch = _open(server, page)
        begun = time.perf_counter()
        answer = person.post(page, data={"dispatch": dispatch, "action": "create", "inputs.number": str(number)})
        waits.append((time.perf_counter() - begun) * 1000)
        person.close()
        if answer.status_code != 303:
            raise RuntimeError(f"A form was answered {answer.status_code}")
    return statistics.median(waits)


def _web_seconds(server: Server) -> float:
    """Seconds of processor time that the server and all processes below it have used; 0 for one that is not ours."""
    if server.process is None:
        return 0.0
    parents: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    tick = os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        pid = int(entry.parent.name)
        parents.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = (int(fields[11]) + int(fields[12])) / tick
    waiting, total = [server.process.pid], 0.0
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0.0)
        waiting += parents.get(pid, [])
    return total
