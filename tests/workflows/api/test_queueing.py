"""Letting executions run over the API: those that are queued, wait for their date, or are paused."""

from tests.support.flow_runner import Ran
from tests.workflows.api.conftest import HELLO, started
from tests.workflows.api.test_execution_actions import LIMITED, SLEEPER, Running, history, state_of


def test_a_queued_execution_is_let_go(running: Running) -> None:
    client, runner = running
    client.post("/flows", LIMITED)
    first, second, third = (started(client, runner, "company.team/limited") for _ in range(3))
    assert [state_of(client, name) for name in (first, second, third)] == ["RUNNING", "QUEUED", "QUEUED"]
    assert client.post(f"/executions/{first}/unqueue").status_code == 422
    body = client.post(f"/executions/{second}/unqueue").json()
    assert history(body) == ["CREATED", "QUEUED", "RUNNING"]
    assert client.post(f"/executions/{third}/force-run").json()["state"]["current"] == "RUNNING"
    assert client.post(f"/executions/{first}/force-run").json()["state"]["current"] == "RUNNING"
    client.delete(f"/executions/{first}/kill")
    assert client.post(f"/executions/{first}/force-run").status_code == 422


def test_a_scheduled_and_a_paused_execution_are_forced_to_run(running: Running) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    client.post("/flows", SLEEPER)
    name = started(client, runner, scheduleDate="2099-01-01T00:00:00Z")
    assert state_of(client, name) == "CREATED"
    assert client.post(f"/executions/{name}/force-run").json()["state"]["current"] == "RUNNING"
    runner.finish(Ran(name))
    held = started(client, runner, "company.team/sleeper")
    client.post(f"/executions/{held}/pause")
    assert client.post(f"/executions/{held}/force-run").json()["state"]["current"] == "RUNNING"
