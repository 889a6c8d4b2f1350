"""One execution over the API: its JSON, its flow, deleting, killing, its files."""

from typing import Any
from urllib.parse import urlencode

import pytest

from apps.common.ids import new_id
from apps.rbac.models import Role
from apps.storage.internal_storage import execution_address, open_storage
from apps.workflows.api import executions as executions_api
from apps.workflows.models import Execution, LogEntry, TaskRun
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.workflows.api.conftest import HELLO, flow_source, started

LOOP = """id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b"]
    tasks:
      - {id: out, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
  - {id: broken, type: io.kestra.plugin.core.execution.Fail}
"""
SLEEPER = """id: sleeper
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""


def test_json_of_an_ended_execution(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    body = client.get(f"/executions/{started(client, runner, 'company.team/loop')}").json()
    assert body["state"]["current"] == "FAILED"
    assert body["state"]["endDate"] == body["state"]["histories"][-1]["date"]
    assert body["state"]["duration"].startswith("PT")
    assert (body["deleted"], body["originalId"]) == (False, body["id"])
    assert not {"inputs", "outputs", "variables", "parentId", "trigger", "scheduleDate"} & set(body)
    each, first, second, broken = body["taskRunList"]
    assert (each["taskId"], "attempts" in each, "parentTaskRunId" in each) == ("each", False, False)
    assert [(run["value"], run["outputs"]["value"]) for run in (first, second)] == [("a", "a"), ("b", "b")]
    assert first["parentTaskRunId"] == each["id"]
    assert {run["executionId"] for run in body["taskRunList"]} == {body["id"]}
    (attempt,) = broken["attempts"]
    assert [entry["state"] for entry in attempt["state"]["histories"]] == ["CREATED", "RUNNING", "FAILED"]


def test_running_execution_has_no_end(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", SLEEPER)
    body = client.get(f"/executions/{started(client, runner, 'company.team/sleeper')}").json()
    assert body["state"]["current"] == "RUNNING"
    assert "endDate" not in body["state"]


def test_reading_takes_as_many_queries_for_many_task_runs(
    running: tuple[ApiClient, FlowRunner], count_queries: Any
) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    client.post("/flows", HELLO)
    small, large = started(client, runner), started(client, runner, "company.team/loop")
    counts = [count_queries(lambda name=name: client.get(f"/executions/{name}")) for name in (small, large)]
    assert counts[0] == counts[1]


def test_large_execution_comes_in_parts(running: tuple[ApiClient, FlowRunner], monkeypatch: pytest.MonkeyPatch) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    execution_id = started(client, runner, "company.team/loop")
    read = executions_api.list_task_runs
    monkeypatch.setattr(executions_api, "list_task_runs", lambda name, after=None: read(name, after=after, limit=3))
    first = client.get(f"/executions/{execution_id}")
    assert [run["taskId"] for run in first.json()["taskRunList"]] == ["each", "out", "out"]
    following = first.headers["X-Next-Task-Run"]
    second = client.get(f"/executions/{execution_id}", taskRunsAfter=following)
    assert [run["taskId"] for run in second.json()["taskRunList"]] == ["broken"]
    assert "X-Next-Task-Run" not in second.headers


def test_what_is_no_id_and_an_unknown_id_are_404(as_alice: ApiClient) -> None:
    for name in ("not-an-id", new_id(), "z" * 22):
        for path in (f"/executions/{name}", f"/logs/{name}", f"/metrics/{name}", f"/executions/{name}/flow"):
            assert as_alice.get(path).status_code == 404, path
        assert as_alice.delete(f"/executions/{name}").status_code == 404


def test_execution_of_a_hidden_namespace_is_as_if_it_were_not_there(as_alice: ApiClient, as_bob: ApiClient) -> None:
    as_alice.post("/flows", flow_source("far", "company.other"))
    name = as_alice.post("/executions/company.other/far").json()["id"]
    assert as_alice.get(f"/executions/{name}").status_code == 200
    for path in ("", "/flow", "/file?path=kestra:///a", "/follow"):
        assert as_bob.get(f"/executions/{name}{path}").status_code == 404, path
    assert as_bob.get(f"/logs/{name}").status_code == 404
    assert as_bob.get(f"/logs/{name}/follow").status_code == 404
    assert as_bob.delete(f"/executions/{name}/kill").status_code == 403
    as_alice.post("/flows", HELLO)
    near = as_alice.post("/executions/company.team/hello").json()["id"]
    assert as_bob.get(f"/executions/{near}").status_code == 200
    assert as_bob.delete(f"/executions/{near}").status_code == 403


def test_flow_of_an_execution_is_the_revision_it_ran(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    client.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    client.delete("/flows/company.team/hello")
    flow = client.get(f"/executions/{name}/flow").json()
    assert flow["revision"] == 1
    assert "Hello" in flow["tasks"][0]["message"]
    assert client.get("/executions/flows/company.team/hello").status_code == 404


def test_who_may_not_read_flows_sees_an_outline(as_alice: ApiClient, as_bob: ApiClient, bob: Any) -> None:
    as_alice.post("/flows", HELLO)
    assert "message" in as_bob.get("/executions/flows/company.team/hello").json()["tasks"][0]
    role = Role.objects.get(name="Viewer")
    role.permissions = {"EXECUTION": ["READ"]}
    role.save()
    outline = as_bob.get("/executions/flows/company.team/hello").json()
    assert outline["tasks"] == [{"id": "log", "type": "io.kestra.plugin.core.log.Log"}]
    assert outline["inputs"][0]["id"] == "who"


# Deleting


def test_ended_execution_is_deleted_with_all_that_is_its(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    address = execution_address("company.team", "hello", name) + "/tasks/log/x/out.txt"
    open_storage().put(address, b"bytes")
    assert client.delete(f"/executions/{name}").status_code == 204
    assert client.get(f"/executions/{name}").status_code == 404
    assert not TaskRun.objects.filter(execution_id=name).exists()
    assert not LogEntry.objects.filter(execution_id=name).exists()
    assert not open_storage().exists(address)


def test_logs_and_files_stay_when_asked(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    address = execution_address("company.team", "hello", name) + "/tasks/log/x/out.txt"
    open_storage().put(address, b"bytes")
    answer = client.delete(f"/executions/{name}", deleteLogs="false", deleteStorage="false")
    assert answer.status_code == 204
    assert LogEntry.objects.filter(execution_id=name).exists()
    assert open_storage().exists(address)
    assert client.delete(f"/executions/{started(client, runner)}", deleteLogs="perhaps").status_code == 400


def test_running_execution_is_not_deleted(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", SLEEPER)
    name = started(client, runner, "company.team/sleeper")
    assert client.delete(f"/executions/{name}").status_code == 409
    answer = client.delete("/executions/by-ids", [name])
    assert answer.status_code == 400
    assert answer.json()["invalids"][0]["invalidValue"] == name


def test_several_are_deleted_all_or_none(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    names = [started(client, runner) for _ in range(2)]
    refused = client.delete("/executions/by-ids", [*names, new_id(), "nonsense"])
    assert refused.status_code == 400
    assert [one["message"] for one in refused.json()["invalids"]] == ["execution not found"] * 2
    assert Execution.objects.count() == 2
    assert client.delete("/executions/by-ids", [*names, names[0]]).json() == {"count": 2}
    assert client.delete("/executions/by-ids", {"ids": names}).status_code == 422
    assert not Execution.objects.exists()


def test_what_a_search_finds_is_deleted_if_all_have_ended(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    client.post("/flows", SLEEPER)
    started(client, runner)
    started(client, runner, "company.team/sleeper")
    assert client.delete("/executions/by-query", namespace="company.team").status_code == 400
    assert client.delete("/executions/by-query", state="NOTHING").status_code == 400
    assert client.delete("/executions/by-query", state="SUCCESS").json() == {"count": 1}
    assert [one.flow_id for one in Execution.objects.all()] == ["sleeper"]


# Killing


@pytest.mark.parametrize("path", ["kill", "actions/kill"])
def test_kill_answers_at_once(running: tuple[ApiClient, FlowRunner], path: str) -> None:
    client, runner = running
    client.post("/flows", SLEEPER)
    name = started(client, runner, "company.team/sleeper")
    assert client.delete(f"/executions/{name}/{path}").status_code == 202
    body = client.get(f"/executions/{name}").json()
    assert body["state"]["current"] == "KILLED"
    assert [entry["state"] for entry in body["state"]["histories"]][-2:] == ["KILLING", "KILLED"]


def test_ended_execution_is_not_killed_again_unless_for_its_children(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    client.post("/flows", SLEEPER)
    parent = started(client, runner)
    child = started(client, runner, "company.team/sleeper")
    Execution.objects.filter(pk=child).update(trigger={"id": "t", "variables": {"executionId": parent}})
    assert client.delete(f"/executions/{parent}/kill", isOnKillCascade="false").status_code == 409
    assert client.get(f"/executions/{child}").json()["state"]["current"] == "RUNNING"
    assert client.delete(f"/executions/{parent}/kill").status_code == 202
    assert client.get(f"/executions/{child}").json()["state"]["current"] == "KILLED"
    assert client.delete(f"/executions/{new_id()}/kill").status_code == 404


def test_several_are_killed_all_or_none(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    client.post("/flows", SLEEPER)
    ended = started(client, runner)
    sleeping = [started(client, runner, "company.team/sleeper") for _ in range(2)]
    refused = client.delete("/executions/kill/by-ids", [*sleeping, ended])
    assert refused.status_code == 400
    assert refused.json()["message"] == "invalid bulk kill"
    assert refused.json()["invalids"] == [
        {"message": "execution already ended", "path": "execution", "invalidValue": ended}
    ]
    assert client.get("/executions/search", state="RUNNING").json()["total"] == 2
    assert client.delete("/executions/kill/by-query", namespace="company").status_code == 400, "one has ended"
    assert client.delete("/executions/kill/by-query", state="RUNNING").json() == {"count": 2}
    assert client.get("/executions/search", state="KILLED").json()["total"] == 2


# Files


def at(execution_id: str, word: str, address: str) -> str:
    """The route to a file of internal storage."""
    return f"/executions/{execution_id}/{word}?{urlencode({'path': address})}"


def test_file_of_its_own_is_read(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    address = execution_address("company.team", "hello", name) + "/tasks/log/x/out.txt"
    open_storage().put(address, b"some text")
    assert client.get(at(name, "file/metas", address)).json() == {"size": 9}
    assert client.get(at(name, "file/metas", address + "x")).status_code == 404
    assert client.get(f"/executions/{name}/file").status_code == 400


def test_file_of_another_execution_is_asked_for_there(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    mine, other = started(client, runner), started(client, runner)
    address = execution_address("company.team", "hello", other) + "/tasks/log/x/out.txt"
    open_storage().put(address, b"some text")
    answer = client.get(at(mine, "file/metas", address))
    assert answer.status_code == 307
    assert f"/executions/{other}/file/metas?path=" in answer.headers["Location"]
    assert client.client.get(answer.headers["Location"]).json() == {"size": 9}


@pytest.mark.parametrize(
    "address",
    [
        "kestra:///etc/passwd",
        "kestra:///company/team/_files/a.py",
        "kestra:///company/team/hello/executions/{id}/../../x",
        "kestra:///company/team/hello/executions/{id}/%2e%2e/x",
        "kestra:///company/other/hello/executions/{id}/tasks/x",
        "file:///etc/passwd",
        "/etc/passwd",
    ],
)
def test_address_outside_of_executions_is_refused(running: tuple[ApiClient, FlowRunner], address: str) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    for path in ("file", "file/metas"):
        answer = client.get(at(name, path, address.format(id=name)))
        assert answer.status_code == 422, answer.content


def test_file_of_a_hidden_execution_is_refused(as_alice: ApiClient, as_bob: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    as_alice.post("/flows", flow_source("far", "company.other"))
    mine = as_alice.post("/executions/company.team/hello").json()["id"]
    far = as_alice.post("/executions/company.other/far").json()["id"]
    address = execution_address("company.other", "far", far) + "/tasks/log/x/out.txt"
    assert as_alice.get(at(mine, "file/metas", address)).status_code == 307
    assert as_bob.get(at(mine, "file/metas", address)).status_code == 422
