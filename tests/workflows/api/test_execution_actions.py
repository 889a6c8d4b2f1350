"""Actions on one execution over the API: pause, resume, restart, replay, states, labels, queue."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.common.ids import new_id
from apps.storage.internal_storage import open_storage
from apps.timers.models import Timer
from apps.workflows.models import Execution, TaskRun
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner, Ran
from tests.workflows.api.conftest import HELLO, started

SLEEPER = """id: sleeper
namespace: company.team
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT0.2S}
  - {id: after, type: io.kestra.plugin.core.log.Log, message: awake}
"""
APPROVAL = """id: approval
namespace: company.team
tasks:
  - id: ask
    type: io.kestra.plugin.core.flow.Pause
    onResume:
      - {id: reason, type: STRING}
      - {id: note, type: STRING, required: false}
      - {id: proof, type: FILE, required: false}
  - id: say
    type: io.kestra.plugin.core.debug.Return
    format: "{{ outputs.ask.onResume.reason }}, {{ outputs.ask.onResume.note ?? 'no note' }}"
"""
FLAKY = """id: flaky
namespace: company.team
inputs:
  - {id: fail, type: BOOLEAN, defaults: true}
tasks:
  - {id: one, type: io.kestra.plugin.core.debug.Return, format: "{{ execution.id }}"}
  - {id: two, type: io.kestra.plugin.core.execution.Fail, condition: "{{ kv('fail') }}"}
  - {id: three, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.one.value }}"}
errors:
  - {id: sorry, type: io.kestra.plugin.core.log.Log, message: sorry}
"""
LIMITED = """id: limited
namespace: company.team
concurrency: {limit: 1}
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT1H}
"""

Running = tuple[ApiClient, FlowRunner]


def state_of(client: ApiClient, name: str) -> str:
    return str(client.get(f"/executions/{name}").json()["state"]["current"])


def set_failing(client: ApiClient, value: bool) -> None:
    answer = client.client.put(
        client.url("/namespaces/company.team/kv/fail"), data=str(value).lower(), content_type="application/json"
    )
    assert answer.status_code < 300, answer.content


def history(body: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in body["state"]["histories"]]


# Pause and resume


@pytest.mark.parametrize("below", ["", "actions/"])
def test_a_held_execution_starts_nothing_until_it_is_resumed(running: Running, below: str) -> None:
    client, runner = running
    client.post("/flows", SLEEPER)
    name = started(client, runner, "company.team/sleeper")
    answer = client.post(f"/executions/{name}/{below}pause")
    assert (answer.status_code, answer.json()["state"]["current"]) == (200, "PAUSED")
    ran = Ran(name)
    TaskRun.objects.filter(execution_id=name).update(nudged_at=None)
    wake(runner, name)
    assert ran.states == [("nap", "SUCCESS")]
    assert client.post(f"/executions/{name}/{below}pause").status_code == 422
    assert client.post(f"/executions/{name}/{below}resume").status_code == 204
    runner.finish(ran)
    assert ran.states == [("nap", "SUCCESS"), ("after", "SUCCESS")]
    assert history(client.get(f"/executions/{name}").json()) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]
    assert client.post(f"/executions/{name}/{below}pause").status_code == 422


def wake(runner: FlowRunner, name: str) -> None:
    """Run the clock until the sleep is over."""
    Timer.objects.update(due_at=now())
    runner.tick()
    runner.jobs.run()


def test_a_pause_asks_for_its_inputs(running: Running) -> None:
    client, runner = running
    client.post("/flows", APPROVAL)
    name = started(client, runner, "company.team/approval")
    assert state_of(client, name) == "PAUSED"
    refused = client.post(f"/executions/{name}/resume")
    assert refused.status_code == 422
    assert "Invalid input for `reason`, missing required input, but received `null`" in refused.json()["message"]
    assert state_of(client, name) == "PAUSED"
    checked = client.post_form(f"/executions/{name}/resume/validate", {"note": "x"}).json()
    assert [(one["input"]["id"], bool(one["errors"])) for one in checked["inputs"]] == [
        ("reason", True),
        ("note", False),
        ("proof", False),
    ]
    proof = SimpleUploadedFile("proof", b"signed")
    answer = client.post_form(f"/executions/{name}/resume", {"reason": "good", "proof": proof})
    assert answer.status_code == 204, answer.content
    runner.finish(Ran(name))
    body = client.get(f"/executions/{name}").json()
    ask, say = body["taskRunList"]
    assert say["outputs"]["value"] == "good, no note"
    with open_storage().open(ask["outputs"]["onResume"]["proof"]) as stored:
        assert stored.read() == b"signed"
    assert history(body) == ["CREATED", "RUNNING", "PAUSED", "RESTARTED", "RUNNING", "SUCCESS"]
    again = client.post(f"/executions/{name}/resume")
    assert again.status_code == 409
    assert "not paused" in again.json()["message"]
    assert client.post(f"/executions/{name}/resume/validate").status_code == 409


def test_who_may_not_update_may_do_none_of_it(running: Running, as_bob: ApiClient) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    for word in ("pause", "resume", "restart", "state", "change-status", "labels", "force-run", "unqueue", "replay"):
        assert as_bob.post(f"/executions/{name}/{word}").status_code == 403, word
        assert client.post(f"/executions/{new_id()}/{word}", status="SUCCESS").status_code == 404, word


# Restart


def test_a_restart_goes_on_at_the_failed_task(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    assert Ran(name).states == [("one", "SUCCESS"), ("two", "FAILED"), ("sorry", "SUCCESS")]
    set_failing(client, False)
    body = client.post(f"/executions/{name}/restart").json()
    assert body["id"] == name
    assert history(body) == ["CREATED", "RUNNING", "FAILED", "RESTARTED"]
    assert [(run["taskId"], run["state"]["current"]) for run in body["taskRunList"]] == [
        ("one", "SUCCESS"),
        ("two", "RESTARTED"),
    ]
    assert body["metadata"]["attemptNumber"] == 2
    runner.finish(Ran(name))
    assert Ran(name).states == [("one", "SUCCESS"), ("two", "SUCCESS"), ("three", "SUCCESS")]
    assert len(Ran(name).run_of("two").attempts) == 2
    refused = client.post(f"/executions/{name}/restart")
    assert refused.status_code == 422
    assert "No task found to restart" in refused.json()["message"]


def test_a_restart_whose_message_is_lost_is_made_by_the_watch(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    set_failing(client, False)
    assert client.post(f"/executions/{name}/restart").status_code == 200
    runner.jobs.clear()
    wake(runner, name)
    runner.finish(Ran(name))
    assert state_of(client, name) == "SUCCESS"


def test_a_running_execution_is_not_restarted(running: Running) -> None:
    client, runner = running
    client.post("/flows", LIMITED)
    name = started(client, runner, "company.team/limited")
    assert client.post(f"/executions/{name}/restart").status_code == 409
    body = {"taskRunId": Ran(name).run_of("nap").id, "state": "SUCCESS"}
    assert client.post(f"/executions/{name}/state", body).status_code == 409


def test_a_restart_on_another_revision_is_a_new_execution(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    before = "  - {id: new, type: io.kestra.plugin.core.log.Log, message: new}\n"
    mended = FLAKY.replace("kv('fail')", "false").replace("  - {id: two", before + "  - {id: two")
    assert client.put("/flows/company.team/flaky", mended).json()["revision"] == 2
    assert client.post(f"/executions/{name}/restart", revision=9).status_code == 404
    body = client.post(f"/executions/{name}/restart", revision=2).json()
    assert (body["id"] != name, body["parentId"], body["originalId"]) == (True, name, name)
    assert (body["flowRevision"], body["state"]["current"]) == (2, "RESTARTED")
    assert {run["id"] for run in body["taskRunList"]}.isdisjoint(run.id for run in Ran(name).runs)
    fresh = Ran(body["id"])
    runner.finish(fresh)
    assert fresh.states == [("one", "SUCCESS"), ("two", "SUCCESS"), ("three", "SUCCESS")], (
        "what was added before it did not run"
    )
    assert fresh.logs("three") == [name], "outputs are copied"
    assert state_of(client, name) == "FAILED"


# Replay


def test_a_replay_of_all_is_a_new_execution(running: Running) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner, labels="env:prod")
    body = client.post(f"/executions/{name}/replay").json()
    assert (body["state"]["current"], body["parentId"], body["taskRunList"]) == ("CREATED", name, [])
    assert body["inputs"] == {"who": "world"}
    assert {"key": "system.correlationId", "value": name} in body["labels"]
    assert {"key": "env", "value": "prod"} in body["labels"]
    runner.finish(Ran(body["id"]))
    assert Ran(body["id"]).states == [("log", "SUCCESS")]


def test_a_replay_takes_other_inputs_and_a_revision(running: Running) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    client.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    path = f"/executions/{name}/actions/replay-with-inputs"
    body = client.post_form(path, {"who": "Ada"}, latestRevision="true").json()
    assert (body["flowRevision"], body["inputs"]) == (2, {"who": "Ada"})
    runner.finish(Ran(body["id"]))
    assert Ran(body["id"]).logs() == ["Bye Ada"]
    assert client.post(f"/executions/{name}/replay", revision=7).status_code == 404


def test_a_replay_from_a_task_run_keeps_what_lies_before(running: Running) -> None:
    client, runner = running
    set_failing(client, False)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    old = Ran(name)
    body = client.post(f"/executions/{name}/replay", taskRunId=old.run_of("two").id).json()
    assert history(body) == ["CREATED", "RUNNING", "SUCCESS", "RESTARTED"]
    assert [(run["taskId"], run["state"]["current"]) for run in body["taskRunList"]] == [
        ("one", "SUCCESS"),
        ("two", "RESTARTED"),
    ]
    fresh = Ran(body["id"])
    runner.finish(fresh)
    assert fresh.states == [("one", "SUCCESS"), ("two", "SUCCESS"), ("three", "SUCCESS")]
    assert fresh.logs("three") == [name], "the first task did not run again"
    refused = client.post(f"/executions/{name}/replay", taskRunId=new_id())
    assert (refused.status_code, "No task found" in refused.json()["message"]) == (422, True)


def test_a_replay_inside_a_loop_keeps_its_values(running: Running) -> None:
    client, runner = running
    client.post("/flows", LOOP)
    name = started(client, runner, "company.team/loop")
    old = Ran(name)
    body = client.post(f"/executions/{name}/replay", taskRunId=old.run_of("out", "b").id).json()
    fresh = Ran(body["id"])
    runner.finish(fresh)
    assert fresh.valued_states == [
        ("each", "SUCCESS", None),
        ("out", "SUCCESS", "a"),
        ("out", "SUCCESS", "b"),
        ("out", "SUCCESS", "c"),
        ("last", "SUCCESS", None),
    ]
    assert fresh.run_of("last").outputs == {"value": "a"}


LOOP = """id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b", "c"]
    tasks:
      - {id: out, type: io.kestra.plugin.core.debug.Return, format: "{{ taskrun.value }}"}
  - {id: last, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.out['a'].value }}"}
"""


# States and labels


def test_a_task_run_is_given_another_state(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    run_id = Ran(name).run_of("two").id
    assert client.post(f"/executions/{name}/state", {"taskRunId": run_id, "state": "RUNNING"}).status_code == 422
    assert client.post(f"/executions/{name}/state", {"taskRunId": new_id(), "state": "SUCCESS"}).status_code == 422
    assert client.post(f"/executions/{name}/state", {"state": "SUCCESS"}).status_code == 422
    body = client.post(f"/executions/{name}/state", {"taskRunId": run_id, "state": "WARNING"}).json()
    assert body["state"]["current"] == "RESTARTED"
    assert [run["state"]["current"] for run in body["taskRunList"]] == ["SUCCESS", "WARNING"]
    runner.finish(Ran(name))
    assert Ran(name).states == [("one", "SUCCESS"), ("two", "WARNING"), ("three", "SUCCESS")]
    assert state_of(client, name) == "WARNING"


def test_the_status_of_an_ended_execution_is_changed(running: Running) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    client.post("/flows", LIMITED)
    name = started(client, runner)
    body = client.post(f"/executions/{name}/change-status", status="WARNING").json()
    assert history(body)[-2:] == ["SUCCESS", "WARNING"]
    assert client.get("/executions/search", state="WARNING").json()["total"] == 1
    assert client.post(f"/executions/{name}/change-status", status="RUNNING").status_code == 422
    assert client.post(f"/executions/{name}/change-status", status="NICE").status_code == 400
    assert client.post(f"/executions/{name}/change-status").status_code == 400
    running_one = started(client, runner, "company.team/limited")
    assert client.post(f"/executions/{running_one}/change-status", status="SUCCESS").status_code == 422


def test_labels_are_set_as_a_whole_and_found(running: Running) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner, labels="env:dev")
    labels = [{"key": "env", "value": "prod"}, {"key": "who", "value": "me"}, {"key": "", "value": ""}]
    body = client.post(f"/executions/{name}/labels", labels).json()
    assert {one["key"]: one["value"] for one in body["labels"]} == {
        "env": "prod",
        "who": "me",
        "system.correlationId": name,
    }
    assert client.get("/executions/search", labels="team:data").json()["total"] == 0
    assert AuditEntry.objects.filter(detail__action="labels").get().detail["removed"] == ["team"]
    assert client.get("/executions/search", labels="env:prod").json()["total"] == 1
    assert client.get("/executions/search", labels="who:me").json()["total"] == 1
    assert client.get("/executions/search", labels="env:dev").json()["total"] == 0
    refused = client.post(f"/executions/{name}/labels", [{"key": "system.username", "value": "root"}])
    assert refused.status_code == 422
    assert "System labels can only be set by Kestra itself" in refused.json()["message"]
    assert client.post(f"/executions/{name}/labels", [{"key": "", "value": "x"}]).status_code == 422
    assert client.post(f"/executions/{name}/labels", ["x"]).status_code == 422
    assert client.post(f"/executions/{name}/labels", [labels[0], labels[0]]).status_code == 422
    kept = [{"key": "system.correlationId", "value": name}]
    assert client.post(f"/executions/{name}/labels", kept).status_code == 200, "what it has already may be sent along"
    assert [one["key"] for one in client.get(f"/executions/{name}").json()["labels"]] == ["system.correlationId"]


def test_a_running_execution_gets_no_labels(running: Running) -> None:
    client, runner = running
    client.post("/flows", LIMITED)
    name = started(client, runner, "company.team/limited")
    assert client.post(f"/executions/{name}/labels", [{"key": "a", "value": "b"}]).status_code == 400


def test_each_action_is_audited(running: Running) -> None:
    client, runner = running
    set_failing(client, True)
    client.post("/flows", FLAKY)
    name = started(client, runner, "company.team/flaky")
    client.post(f"/executions/{name}/restart")
    runner.finish(Ran(name))
    client.post(f"/executions/{name}/replay")
    client.post(f"/executions/{name}/change-status", status="KILLED")
    told = [
        (entry.type, entry.detail["action"], entry.user_name)
        for entry in AuditEntry.objects.filter(resource="Execution", detail__executionId=name).order_by("id")
        if "action" in entry.detail
    ]
    assert told == [
        ("UPDATE", "restart", "alice@example.com"),
        ("CREATE", "replay", "alice@example.com"),
        ("UPDATE", "change-status", "alice@example.com"),
    ]
    assert Execution.objects.count() == 2
