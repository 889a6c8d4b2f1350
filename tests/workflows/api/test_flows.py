"""Flows over the API: create, read, update, delete, revisions, tasks."""

import json

from apps.audit.models import AuditEntry
from apps.workflows.models import Flow
from tests.support.api_client import ApiClient
from tests.workflows.api.conftest import HELLO, errors_of, flow_source


def test_created_flow_comes_back_with_source_and_revision(as_alice: ApiClient) -> None:
    answer = as_alice.post("/flows", HELLO)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["namespace"], body["revision"]) == ("hello", "company.team", 1)
    assert body["source"] == HELLO
    assert body["labels"] == [{"key": "team", "value": "data"}]
    assert body["tasks"] == [
        {"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "Hello {{ inputs.who }}"}
    ], "properties that have their default are left out"
    assert (body["disabled"], body["deleted"]) == (False, False)
    assert AuditEntry.objects.filter(type="CREATE", resource="Flow").count() == 1


def test_source_is_shown_only_when_asked_for(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert "source" not in as_alice.get("/flows/company.team/hello").json()
    assert as_alice.get("/flows/company.team/hello", source="true").json()["source"] == HELLO


def test_flow_may_be_sent_as_json(as_alice: ApiClient) -> None:
    flow = {
        "id": "as-json",
        "namespace": "company.team",
        "tasks": [{"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "line 1\nline 2"}],
    }
    assert as_alice.post("/flows", flow).status_code == 200
    found = as_alice.get("/flows/company.team/as-json", source="true").json()
    assert found["tasks"][0]["message"] == "line 1\nline 2"
    assert found["source"].startswith("id: as-json\n")


def test_flow_sent_by_a_client_that_says_it_is_a_form_is_read_as_yaml(as_alice: ApiClient) -> None:
    answer = as_alice.client.post(as_alice.url("/flows"), HELLO, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200, answer.content


def test_existing_flow_is_not_created_again(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    answer = as_alice.post("/flows", HELLO)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Invalid entity: ")
    assert "already exists" in answer.json()["message"]


def test_unknown_type_says_where_and_the_nearest_name_and_stores_nothing(as_alice: ApiClient) -> None:
    answer = as_alice.post("/flows", HELLO.replace("core.log.Log", "core.log.Lgo"))
    assert answer.status_code == 422
    (first, *_) = errors_of(answer)
    assert first["message"].startswith("Invalid type: io.kestra.plugin.core.log.Lgo")
    assert first["path"] == "tasks[0].type"
    assert (first["line"], first["column"]) == (9, 5)
    assert "io.kestra.plugin.core.log.Log" in answer.json()["message"]
    assert not Flow.objects.exists()


def test_every_problem_is_listed(as_alice: ApiClient) -> None:
    source = """id: bad
namespace: company.team
tasks:
  - {id: same, type: io.kestra.plugin.core.log.Log, message: a, mesage: b}
  - {id: same, type: io.kestra.plugin.core.log.Log, message: c}
"""
    answer = as_alice.post("/flows", source)
    assert answer.status_code == 422
    messages = [error["message"] for error in errors_of(answer)]
    assert any("Duplicate task id with name [same]" in message for message in messages)
    assert any("mesage" in message and "message" in message for message in messages)
    assert not Flow.objects.exists()


def test_text_that_is_no_yaml_is_refused_with_its_place(as_alice: ApiClient) -> None:
    answer = as_alice.post("/flows", "id: x\nnamespace: [company\n")
    assert answer.status_code == 422
    assert errors_of(answer)[0]["line"] >= 2


def test_bytes_that_are_no_text_and_bad_json_are_refused(as_alice: ApiClient) -> None:
    url = as_alice.url("/flows")
    assert as_alice.client.post(url, b"\xff\xfe", content_type="application/x-yaml").status_code == 422
    assert as_alice.client.post(url, b"{", content_type="application/json").status_code == 422


def test_same_source_keeps_the_revision_and_another_one_counts_up(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert as_alice.put("/flows/company.team/hello", HELLO).json()["revision"] == 1
    changed = as_alice.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    assert changed.status_code == 200
    assert changed.json()["revision"] == 2
    old = as_alice.get("/flows/company.team/hello", revision=1, source="true").json()
    assert (old["revision"], old["source"]) == (1, HELLO)


def test_flow_cannot_be_renamed(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    answer = as_alice.put("/flows/company.team/hello", HELLO.replace("id: hello", "id: other"))
    assert answer.status_code == 422
    assert [error["path"] for error in errors_of(answer)] == ["flow.id"]
    moved = as_alice.put("/flows/company.team/hello", HELLO.replace("company.team", "company.other"))
    assert [error["path"] for error in errors_of(moved)] == ["flow.namespace"]


def test_unknown_flow_or_revision_is_404(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert as_alice.get("/flows/company.team/nothing").status_code == 404
    assert as_alice.get("/flows/company.team/hello", revision=9).status_code == 404
    assert as_alice.put("/flows/company.team/nothing", flow_source("nothing")).status_code == 404
    assert as_alice.get("/flows/company.team/hello", revision="x").status_code == 400


def test_deleted_flow_is_shown_only_when_that_is_allowed_and_comes_back(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    assert as_alice.delete("/flows/company.team/hello").status_code == 204
    assert as_alice.get("/flows/company.team/hello").status_code == 404
    shown = as_alice.get("/flows/company.team/hello", allowDeleted="true").json()
    assert (shown["deleted"], shown["revision"]) == (True, 2)
    assert as_alice.get("/flows/search").json() == {"results": [], "total": 0}
    assert as_alice.post("/flows", HELLO).json()["revision"] == 3


def test_revisions_come_oldest_first_with_their_sources(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    as_alice.put("/flows/company.team/hello", HELLO.replace("Hello", "Bye"))
    found = as_alice.get("/flows/company.team/hello/revisions").json()
    assert [(one["revision"], "Bye" in one["source"]) for one in found] == [(1, False), (2, True)]
    assert as_alice.get("/flows/company.team/nothing/revisions").status_code == 404


def test_nested_task_is_found_by_its_id(as_alice: ApiClient) -> None:
    source = """id: nested
namespace: company.team
tasks:
  - id: all
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: inner, type: io.kestra.plugin.core.debug.Return, format: x}
"""
    assert as_alice.post("/flows", source).status_code == 200
    task = as_alice.get("/flows/company.team/nested/tasks/inner")
    assert task.json() == {"id": "inner", "type": "io.kestra.plugin.core.debug.Return", "format": "x"}
    assert as_alice.get("/flows/company.team/nested/tasks/none").status_code == 404


def test_flow_whose_plugin_is_gone_says_so_instead_of_failing(as_alice: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    gone = HELLO.replace("core.log.Log", "core.gone.Task")
    flow = Flow.objects.get()
    flow.source = gone
    flow.save()
    flow.revisions.update(source=gone)
    body = as_alice.get("/flows/company.team/hello").json()
    assert body["tasks"] == []
    assert "io.kestra.plugin.core.gone.Task" in body["exception"]
    assert as_alice.get("/flows/search").json()["results"][0]["exception"] == body["exception"]
    assert as_alice.get("/flows/company.team/hello/tasks/log").status_code == 422


def test_viewer_reads_and_changes_nothing(as_alice: ApiClient, as_bob: ApiClient) -> None:
    as_alice.post("/flows", HELLO)
    as_alice.post("/flows", flow_source("hidden", "company.other"))
    assert as_bob.get("/flows/company.team/hello").status_code == 200
    assert as_bob.post("/flows", flow_source("mine")).status_code == 403
    assert as_bob.put("/flows/company.team/hello", HELLO).status_code == 403
    assert as_bob.delete("/flows/company.team/hello").status_code == 403
    assert as_bob.get("/flows/company.other/hidden").status_code == 403
    assert json.loads(as_bob.get("/flows/search").content)["total"] == 1


def test_stranger_sees_no_tenant(as_alice: ApiClient, charlie: object) -> None:
    as_alice.post("/flows", HELLO)
    assert ApiClient(charlie).get("/flows/company.team/hello").status_code == 404  # type: ignore[arg-type]
    assert ApiClient().get("/flows/company.team/hello").status_code == 401
