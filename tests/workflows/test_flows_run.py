"""Every flow of tests/flows runs to the task runs written beside it."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.workflows.models import LogEntry, TaskRun
from apps.workflows.plugin_api.task import Level
from tests.support.flow_runner import FLOWS, FlowRunner, flow_file

LEVELS = {level.rank: level.value for level in Level}
EXPECTED = sorted(FLOWS.glob("*.expected.yaml"))


def cases() -> list[Any]:
    """One per expected outcome; a file may hold several, for other inputs."""
    found = []
    for path in EXPECTED:
        name = path.name.removesuffix(".expected.yaml")
        held = yaml.safe_load(path.read_text())
        for number, expected in enumerate(held if isinstance(held, list) else [held]):
            found.append(pytest.param(name, expected, id=f"{name}-{number}" if isinstance(held, list) else name))
    return found


class Hello(http.server.BaseHTTPRequestHandler):
    """Answers `hello` to every GET."""

    def do_GET(self) -> None:
        body = b"hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a server on this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("name", "expected"), cases())
def test_flow_ends_as_written_beside_it(
    flows: FlowRunner, web_server: str, name: str, expected: dict[str, Any]
) -> None:
    expected = _filled_in(expected, web_server)
    ran = flows.run(flow_file(name), expected.get("inputs") or {})
    execution = ran.execution
    missing = list(ran.runs)
    for wanted in expected["taskRuns"]:
        fitting = [run for run in missing if _fits(run, wanted)]
        assert fitting, f"no task run like {wanted} among {ran.valued_states}, {[run.outputs for run in ran.runs]}"
        missing.remove(fitting[0])
    assert not missing, f"more than was expected: {[(run.task_id, run.state, run.value) for run in missing]}"
    assert execution.state == expected["state"], ran.logs()
    assert _subset(expected.get("outputs"), execution.outputs)
    lines = list(LogEntry.objects.filter(execution_id=ran.execution_id).order_by("id"))
    tasks = {run.id: run.task_id for run in ran.runs}
    said = [(tasks.get(line.task_run_id), LEVELS[line.level], line.message) for line in lines]
    for wanted in expected.get("logs") or []:
        assert any(_says(line, wanted) for line in said), f"no line like {wanted} among {said}"


def _filled_in(value: Any, server: str) -> Any:
    """``${server}`` replaced everywhere."""
    if isinstance(value, dict):
        return {key: _filled_in(item, server) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled_in(item, server) for item in value]
    return value.replace("${server}", server) if isinstance(value, str) else value


def _fits(run: TaskRun, wanted: dict[str, Any]) -> bool:
    return (
        (run.task_id, run.state) == (wanted["task"], wanted["state"])
        and ("value" not in wanted or run.value == str(wanted["value"]))
        and ("attempts" not in wanted or len(run.attempts or []) == wanted["attempts"])
        and _subset(wanted.get("outputs"), run.outputs)
    )


def _subset(wanted: Any, found: Any) -> bool:
    """Whether what was expected is there; what else is there does not matter."""
    if wanted is None:
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_subset(item, found.get(key)) for key, item in wanted.items())
    return bool(wanted == found)


def _says(line: tuple[str | None, str, str], wanted: dict[str, Any]) -> bool:
    task, level, message = line
    if wanted.get("task", task) != task or wanted.get("level", level) != level:
        return False
    return str(wanted["contains"]) in message if "contains" in wanted else message == str(wanted["message"])


def test_each_flow_has_its_outcome_beside_it() -> None:
    flows = {path.stem for path in Path(FLOWS).glob("*.yaml") if not path.name.endswith(".expected.yaml")}
    assert flows == {path.name.removesuffix(".expected.yaml") for path in EXPECTED}
