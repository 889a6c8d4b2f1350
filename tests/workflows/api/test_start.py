"""Starting executions over the API: bodies, inputs, files, labels, refusals, and waiting for the end."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.workflows.models import Execution
from tests.factories import grant
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.workflows.api.conftest import HELLO, errors_of, flow_source

TYPED = """id: typed
namespace: company.team
inputs:
  - {id: name, type: STRING}
  - {id: count, type: INT, max: 5, defaults: 1}
  - {id: nested.flag, type: BOOLEAN, required: false}
  - {id: password, type: SECRET, required: false}
  - {id: file, type: FILE, required: false}
tasks:
  - {id: out, type: io.kestra.plugin.core.debug.Return, format: "{{ inputs.count }} {{ inputs.password ?? '' }}"}
"""


def test_execution_is_created_from_an_empty_post(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    answer = as_alice.client.post(as_alice.url("/executions/company.team/hello"))
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["state"]["current"] == "CREATED"
    assert [entry["state"] for entry in body["state"]["histories"]] == ["CREATED"]
    assert body["inputs"] == {"who": "world"}
    assert body["taskRunList"] == []
    assert body["url"].endswith(f"/ui/alpha/executions/company.team/hello/{body['id']}")
    assert body["labels"] == [
        {"key": "team", "value": "data"},
        {"key": "system.correlationId", "value": body["id"]},
    ]
    assert len(body["id"]) == 22
    assert body["metadata"] == {"attemptNumber": 1, "originalCreatedDate": body["state"]["startDate"]}


def test_older_address_starts_the_same(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert as_alice.post("/executions/trigger/company.team/hello").json()["flowId"] == "hello"


def test_inputs_come_by_form_by_json_and_urlencoded(as_alice: ApiClient) -> None:
    as_alice.post("/flows", TYPED)
    path = "/executions/company.team/typed"
    by_form = as_alice.post_form(path, {"name": "a", "count": "3", "nested.flag": "true"}).json()
    by_json = as_alice.post(path, {"name": "a", "count": 3, "nested": {"flag": True}}).json()
    coded = as_alice.client.post(
        as_alice.url(path), "name=a&count=3&nested.flag=true", content_type="application/x-www-form-urlencoded"
    ).json()
    expected = {"name": "a", "count": 3, "nested": {"flag": True}, "password": None, "file": None}
    assert by_form["inputs"] == by_json["inputs"] == coded["inputs"] == expected, "nulls of inputs are kept"


def test_secret_input_is_never_shown(as_alice: ApiClient) -> None:
    as_alice.post("/flows", TYPED)
    answer = as_alice.post_form("/executions/company.team/typed", {"name": "a", "password": "hush-hush"})
    assert answer.json()["inputs"]["password"] == {"type": "io.kestra.datatype:aes_encrypted", "value": "********"}
    stored = json.dumps(Execution.objects.get().inputs)
    assert "hush-hush" not in stored
    for text in (answer.content, as_alice.get(f"/executions/{answer.json()['id']}").content):
        assert b"hush-hush" not in text
        assert stored.encode() not in text


@pytest.mark.parametrize("part", ["file", "files"])
def test_file_comes_in_a_part_of_its_name_or_with_its_name(as_alice: ApiClient, part: str) -> None:
    as_alice.post("/flows", TYPED)
    upload = SimpleUploadedFile("file" if part == "files" else "report.csv", b"a,b\n", content_type="text/csv")
    answer = as_alice.post_form("/executions/company.team/typed", {"name": "a", part: upload})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    address = body["inputs"]["file"]
    assert address.startswith(f"kestra:///company/team/typed/executions/{body['id']}/inputs/file/")
    query = urlencode({"path": address})
    assert as_alice.get(f"/executions/{body['id']}/file/metas?{query}").json() == {"size": 4}


def test_all_faulty_inputs_are_told_and_nothing_is_started(as_alice: ApiClient) -> None:
    as_alice.post("/flows", TYPED)
    answer = as_alice.post_form("/executions/company.team/typed", {"count": "9"})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Invalid entity: name: Invalid input for `name`, missing required input")
    assert [error["path"] for error in errors_of(answer)] == ["name", "count"]
    assert not Execution.objects.exists()


def test_body_that_holds_no_inputs_is_refused(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert as_alice.post("/executions/company.team/hello", ["a"]).status_code == 422
    assert as_alice.post("/executions/company.team/hello", "who: yaml").status_code == 422
    bad = as_alice.client.post(as_alice.url("/executions/company.team/hello"), "{", content_type="application/json")
    assert bad.status_code == 422


def test_labels_are_added_in_order_and_system_ones_refused(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    path = "/executions/company.team/hello"
    body = as_alice.post(path, labels=["a:1", "b:2:3"]).json()
    assert [(one["key"], one["value"]) for one in body["labels"]][:3] == [("team", "data"), ("a", "1"), ("b", "2:3")]
    mine = as_alice.post(path, labels="system.correlationId:mine").json()
    assert mine["labels"][-1] == {"key": "system.correlationId", "value": "mine"}
    for bad in ("system.other:x", "nocolon", ":v", "k:"):
        assert as_alice.post(path, labels=bad).status_code == 422, bad
    assert Execution.objects.count() == 2


def test_revision_and_date_can_be_chosen(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    as_alice.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    path = "/executions/company.team/hello"
    assert as_alice.post(path).json()["flowRevision"] == 2
    assert as_alice.post(path, revision=1).json()["flowRevision"] == 1
    assert as_alice.post(path, revision=7).status_code == 404
    later = as_alice.post(path, scheduleDate="2099-01-01T10:00:00+01:00").json()
    assert later["scheduleDate"] == "2099-01-01T09:00:00Z"
    assert as_alice.post(path, scheduleDate="soon").status_code == 400


def test_unknown_and_disabled_flows_do_not_start(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO + "disabled: true\n")
    assert as_alice.post("/executions/company.team/hello").status_code == 409
    assert as_alice.post("/executions/company.team/none").status_code == 404
    assert as_alice.post("/executions/company.team/none/validate").status_code == 404


def test_flow_may_be_called_like_a_route(as_alice: ApiClient) -> None:
    for name in ("kill", "flow", "follow", "file"):
        as_alice.post("/flows", flow_source(name))
        assert as_alice.post(f"/executions/company.team/{name}").json()["flowId"] == name
        assert as_alice.get(f"/executions/company.team/{name}").status_code == 404


def test_check_of_inputs_starts_nothing_and_hides_secrets(as_alice: ApiClient) -> None:
    as_alice.post("/flows", TYPED)
    answer = as_alice.post_form("/executions/company.team/typed/validate", {"count": "9", "password": "hush-hush"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["namespace"]) == ("typed", "company.team")
    found = {one["input"]["id"]: one for one in body["inputs"]}
    assert "missing required input" in found["name"]["errors"][0]["message"]
    assert "less than" in found["count"]["errors"][0]["message"]
    assert (found["password"]["value"], found["password"]["errors"]) == ("********", [])
    assert b"hush-hush" not in answer.content
    assert not Execution.objects.exists()


def test_starting_needs_its_own_permission(as_alice: ApiClient, as_bob: ApiClient, bob: Any) -> None:
    as_alice.post("/flows", HELLO)
    as_alice.post("/flows", flow_source("far", "company.other"))
    assert as_bob.post("/executions/company.team/hello").status_code == 403
    assert as_bob.post("/executions/company.team/hello/validate").status_code == 403
    assert as_bob.get("/executions/namespaces").status_code == 403
    grant(bob, "EXECUTION:CREATE", namespace="company.team")
    assert as_bob.post("/executions/company.team/hello").status_code == 200
    assert as_bob.post("/executions/company.other/far").status_code == 403
    assert as_bob.get("/executions/namespaces").json() == ["company.team"]
    assert [flow["id"] for flow in as_bob.get("/executions/namespaces/company.team/flows").json()] == ["hello"]
    assert as_bob.get("/executions/namespaces/company.other/flows").status_code == 403


def test_started_execution_runs_to_its_end(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", TYPED)
    answer = client.post_form("/executions/company.team/typed", {"name": "a", "password": "pw"})
    runner.jobs.run()
    body = client.get(f"/executions/{answer.json()['id']}").json()
    assert body["state"]["current"] == "SUCCESS"
    assert [entry["state"] for entry in body["state"]["histories"]] == ["CREATED", "RUNNING", "SUCCESS"]
    (run,) = body["taskRunList"]
    assert run["outputs"]["value"] == "1 pw", "in expressions a secret is clear"
    assert "url" not in body
