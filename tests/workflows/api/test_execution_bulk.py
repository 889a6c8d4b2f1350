"""Actions on several executions over the API: all or none, by ids and by search."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from apps.common.ids import new_id
from apps.workflows.models import Execution
from apps.workflows.selectors.executions import find_heads
from apps.workflows.services.bulk_actions import act_on_all
from apps.workflows.services.restarting import replay_execution
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner, Ran
from tests.support.world import person
from tests.workflows.api.conftest import HELLO, flow_source, started
from tests.workflows.api.test_execution_actions import FLAKY, LIMITED, Running, history, set_failing, state_of

PAUSING = """id: pausing
namespace: company.team
tasks:
  - {id: ask, type: io.kestra.plugin.core.flow.Pause}
"""
NAPPING = """id: napping
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""


def several(client: ApiClient, runner: FlowRunner, source: str, number: int = 2) -> list[str]:
    answer = client.post("/flows", source)
    assert answer.status_code == 200, answer.content
    path = f"{answer.json()['namespace']}/{answer.json()['id']}"
    return [started(client, runner, path) for _ in range(number)]


def invalids(answer: Any) -> dict[str, str]:
    assert answer.status_code == 400, answer.content
    return {one["invalidValue"]: one["message"] for one in answer.json()["invalids"]}


def test_several_are_paused_and_resumed_all_or_none(running: Running) -> None:
    client, runner = running
    names = several(client, runner, NAPPING)
    (ended,) = several(client, runner, HELLO, 1)
    refused = client.post("/executions/pause/by-ids", [*names, ended, "nonsense"])
    assert invalids(refused) == {
        ended: "execution is SUCCESS, not RUNNING or RETRYING",
        "nonsense": "execution not found",
    }
    assert {state_of(client, name) for name in names} == {"RUNNING"}
    assert client.post("/executions/pause/by-ids", names).json() == {"count": 2}
    assert {state_of(client, name) for name in names} == {"PAUSED"}
    assert client.post("/executions/resume/by-query", state="PAUSED").json() == {"count": 2}
    assert invalids(client.post("/executions/resume/by-ids", names)).keys() == set(names)


def test_pauses_are_resumed_together(running: Running) -> None:
    client, runner = running
    names = several(client, runner, PAUSING)
    assert client.post("/executions/resume/by-ids", names).json() == {"count": 2}
    runner.jobs.run()
    assert {state_of(client, name) for name in names} == {"SUCCESS"}


def test_one_whose_pause_asks_for_inputs_keeps_all_from_being_resumed(running: Running) -> None:
    client, runner = running
    names = several(client, runner, PAUSING)
    asking = PAUSING.replace("id: pausing", "id: asking").replace(
        "Pause}", "Pause, onResume: [{id: why, type: STRING}]}"
    )
    names += several(client, runner, asking, 1)
    refused = client.post("/executions/resume/by-ids", names)
    assert list(invalids(refused)) == [names[2]]
    assert {state_of(client, name) for name in names} == {"PAUSED"}


def test_failed_ones_are_restarted_together(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    names = several(client, runner, FLAKY)
    (fine,) = several(client, runner, HELLO, 1)
    assert invalids(client.post("/executions/restart/by-ids", [*names, fine])) == {
        fine: "No task found to restart execution from!"
    }
    assert {state_of(client, name) for name in names} == {"FAILED"}
    set_failing(client, False)
    assert client.post("/executions/restart/by-query", state="FAILED").json() == {"count": 2}
    runner.jobs.run()
    assert {state_of(client, name) for name in names} == {"SUCCESS"}


def test_several_are_replayed_each_as_a_new_one(running: Running) -> None:
    client, runner = running
    names = several(client, runner, HELLO)
    client.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    assert client.post("/executions/replay/by-ids", names, latestRevision="true").json() == {"count": 2}
    runner.jobs.run()
    fresh = Execution.objects.filter(parent_id__isnull=False)
    assert {row.parent_id for row in fresh} == set(names)
    assert {(row.state, row.flow_revision) for row in fresh} == {("SUCCESS", 2)}
    assert client.post("/executions/replay/by-query", state="SUCCESS").json() == {"count": 4}


def test_the_service_tells_what_came_of_each(running: Running) -> None:
    client, runner = running
    names = several(client, runner, HELLO)
    heads = [find_heads(names)[name] for name in reversed(names)]
    acted = act_on_all(heads, lambda name: replay_execution(acting_user=None, execution_id=name))
    assert [one.execution_id for one in acted] == list(reversed(names))
    assert all(Execution.objects.get(pk=one.result_id).parent_id == one.execution_id for one in acted)


def test_queued_ones_are_let_go(running: Running) -> None:
    client, runner = running
    names = several(client, runner, LIMITED, 4)
    assert invalids(client.post("/executions/unqueue/by-ids", names)) == {names[0]: "execution is RUNNING, not QUEUED"}
    assert client.post("/executions/unqueue/by-ids", names[1:2]).json() == {"count": 1}
    assert client.post("/executions/force-run/by-query", state="QUEUED").json() == {"count": 2}
    assert {state_of(client, name) for name in names} == {"RUNNING"}


def test_status_and_labels_of_several(running: Running) -> None:
    client, runner = running
    names = several(client, runner, HELLO)
    (napping,) = several(client, runner, NAPPING, 1)
    assert list(invalids(client.post("/executions/change-status/by-ids", [*names, napping], newStatus="FAILED"))) == [
        napping
    ]
    assert client.post("/executions/change-status/by-ids", names).status_code == 400
    assert client.post("/executions/change-status/by-ids", names, newStatus="WARNING").json() == {"count": 2}
    assert client.post("/executions/change-status/by-query", state="WARNING", newStatus="SUCCESS").json()["count"] == 2
    assert history(client.get(f"/executions/{names[0]}").json())[-2:] == ["WARNING", "SUCCESS"]
    labels = [{"key": "seen", "value": "yes"}]
    asked = {"executionsId": [*names, napping], "executionLabels": labels}
    assert list(invalids(client.post("/executions/labels/by-ids", asked))) == [napping]
    assert client.post("/executions/labels/by-ids", asked | {"executionsId": names}).json() == {"count": 2}
    assert client.get("/executions/search", labels="seen:yes").json()["total"] == 2
    assert client.get("/executions/search", labels="team:data").json()["total"] == 2, "those they have stay"
    more = [{"key": "seen", "value": "twice"}]
    assert client.post("/executions/labels/by-query", more, labels="seen:yes").json() == {"count": 2}
    assert client.get("/executions/search", labels="seen:yes").json()["total"] == 0
    assert client.post("/executions/labels/by-ids", {"executionsId": names}).status_code == 422
    assert client.post("/executions/labels/by-ids", names).status_code == 422


def test_what_one_may_not_change_is_as_if_it_were_not_there(running: Running, allow: Any) -> None:
    client, runner = running
    (near,) = several(client, runner, HELLO, 1)
    (far,) = several(client, runner, flow_source("far", "company.other"), 1)
    bob = person("bob")
    allow(bob, {"EXECUTION": ["READ", "UPDATE"]}, "company.team")
    operator = ApiClient(bob)
    answer = operator.post("/executions/change-status/by-ids", [near, far], newStatus="FAILED")
    assert invalids(answer) == {far: "execution not found"}
    assert operator.post("/executions/change-status/by-query", newStatus="FAILED", state="SUCCESS").json() == {
        "count": 1
    }
    assert (state_of(client, near), state_of(client, far)) == ("FAILED", "SUCCESS")
    assert operator.post("/executions/replay/by-ids", [near]).status_code == 403


def test_all_is_tried_again_after_a_deadlock(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client, runner = running
    names = several(client, runner, HELLO)
    heads = [find_heads(names)[name] for name in names]
    failures = [OperationalError("deadlock detected")]
    failures[0].__cause__ = psycopg.errors.DeadlockDetected("deadlock detected")

    def act(name: str) -> str:
        fresh = replay_execution(acting_user=None, execution_id=name)
        if failures:
            raise failures.pop()
        return fresh

    assert len(act_on_all(heads, act)) == 2
    assert Execution.objects.filter(parent_id__isnull=False).count() == 2, "what came before the deadlock is undone"


def test_unknown_ids_alone_are_refused(as_alice: ApiClient) -> None:
    name = new_id()
    assert invalids(as_alice.post("/executions/restart/by-ids", [name])) == {name: "execution not found"}
    assert Ran(name).runs == []
