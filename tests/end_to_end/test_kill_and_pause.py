"""Kill and pause of running scripts in the whole product: every worker process is taken when the order comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.product import Server, started

SLOTS = 2
MARK = "31717"
"""Seconds the scripts sleep: a number nobody else sleeps, by which their processes are known."""
YAML = {"Content-Type": "application/x-yaml"}
# The shell, a child in the background and one in front: all must be gone.
LONG = f"""
id: long
namespace: company.team
inputs: [{{id: name, type: STRING}}]
tasks:
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["sleep {MARK} &", "sh -c 'trap : TERM; echo {{{{ inputs.name }}}}; sleep {MARK}'"]
  - {{id: never, type: io.kestra.plugin.core.log.Log, message: never}}
"""
SHORT = """
id: short
namespace: company.team
tasks:
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["sleep 1.5", "echo '::{\\"outputs\\":{\\"said\\":\\"kept\\"}}::'"]
  - {id: after, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.script.vars.said }}"}
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The product with two worker processes, and the flows."""
    with started(tmp_path_factory.mktemp("kill"), KESTRA_EE_WORKER_PROCESSES=str(SLOTS)) as server:
        save(server)
        yield server.client


def save(server: Server) -> None:
    for source in (LONG, SHORT):
        server.client.post("/api/v1/main/flows", content=source, headers=YAML).raise_for_status()


def start(client: httpx.Client, flow: str, **inputs: str) -> str:
    files = {name: (None, value) for name, value in inputs.items()}
    answer = client.post(f"/api/v1/main/executions/company.team/{flow}", files=files or None)
    answer.raise_for_status()
    return str(answer.json()["id"])


BOUND = 2.0
"""Seconds in which a kill ends a script: the worker looks each 0.3 s, and other tests run beside this."""


def read(client: httpx.Client, execution_id: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/main/executions/{execution_id}")
    answer.raise_for_status()
    return dict(answer.json())


def task_states(client: httpx.Client, execution_id: str) -> dict[str, str]:
    runs = read(client, execution_id).get("taskRunList") or []
    return {run["taskId"]: run["state"]["current"] for run in runs}


def until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Ask again and again; answers after how many seconds it held."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.02)  # polled until the bound
    return time.monotonic() - began


def script_processes() -> list[str]:
    """Command lines of the scripts' processes that run now."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it ended while we looked
            if f"sleep {MARK}" in line and state != "Z":
                found.append(line)
    return found


@pytest.mark.process
@pytest.mark.timeout(180)
def test_a_kill_reaches_a_script_within_a_second_with_every_worker_taken(client: httpx.Client) -> None:
    names = {start(client, "long", name=f"n{number}"): f"n{number}" for number in range(SLOTS + 1)}
    ids = list(names)

    def script_of(execution_id: str) -> list[str]:
        # Told apart by name: the one that waited starts as soon as the first kill frees a worker.
        return [line for line in script_processes() if f"echo {names[execution_id]};" in line]

    def running() -> list[str]:
        return [one for one in ids if task_states(client, one).get("script") == "RUNNING"]

    # Each script is a shell with two sleeps below it, one of them below a shell of its own.
    until(lambda: len(running()) == SLOTS and len(script_processes()) >= SLOTS * 3, 40, "the scripts run")
    waiting = [one for one in ids if one not in running()]
    assert len(waiting) == 1, "one more than there are workers waits"
    killed = running()
    for one in killed:
        assert script_of(one)
        client.delete(f"/api/v1/main/executions/{one}/kill").raise_for_status()
        until(lambda name=one: not script_of(name), BOUND, "the kill reaches the script")  # type: ignore[misc]
        until(lambda name=one: read(client, name)["state"]["current"] == "KILLED", 10, "the execution is killed")  # type: ignore[misc]
        until(lambda name=one: task_states(client, name) == {"script": "KILLED"}, 10, "the task is killed")  # type: ignore[misc]
        assert "never" not in task_states(client, one)
    # The worker that became free takes the one that waited; killed as well, nothing of any script is left.
    until(lambda: task_states(client, waiting[0]).get("script") == "RUNNING", 20, "the third one runs")
    client.delete(f"/api/v1/main/executions/{waiting[0]}/kill").raise_for_status()
    until(lambda: not script_processes(), 10, "no process is left behind")
    assert read(client, waiting[0])["state"]["current"] == "KILLED"


@pytest.mark.process
@pytest.mark.timeout(120)
def test_a_pause_lets_the_script_end_and_holds_what_follows(client: httpx.Client) -> None:
    one = start(client, "short")
    until(lambda: task_states(client, one).get("script") == "RUNNING", 20, "the script runs")
    client.post(f"/api/v1/main/executions/{one}/pause").raise_for_status()
    assert read(client, one)["state"]["current"] == "PAUSED"
    until(lambda: task_states(client, one).get("script") == "SUCCESS", 20, "the script ends")
    watched_until = time.monotonic() + 1.5
    while time.monotonic() < watched_until:
        assert task_states(client, one) == {"script": "SUCCESS"}, "a task began in a paused execution"
        time.sleep(0.1)  # watched for a while
    (script,) = read(client, one)["taskRunList"]
    assert script["outputs"]["vars"] == {"said": "kept"}
    resumed = datetime.now(UTC)
    client.post(f"/api/v1/main/executions/{one}/resume").raise_for_status()
    until(lambda: read(client, one)["state"]["current"] == "SUCCESS", 20, "the execution ends")
    _, after = read(client, one)["taskRunList"]
    assert after["outputs"] == {"value": "kept"}
    assert datetime.fromisoformat(after["state"]["startDate"]) >= resumed
    assert len(script["attempts"]) == 1
