"""Several flows at once: namespaces from a text, archives, switching, deleting; and checks."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.workflows.models import Flow
from tests.factories import grant
from tests.support.api_client import ApiClient
from tests.workflows.api.conftest import errors_of, flow_source

TWO = flow_source("one") + "---\n" + flow_source("two")


def there() -> list[str]:
    return [str(flow) for flow in Flow.objects.filter(deleted=False).order_by("namespace", "flow_id")]


def test_namespace_becomes_what_the_text_says(as_alice: ApiClient) -> None:
    as_alice.post("/flows", flow_source("old"))
    as_alice.post("/flows", flow_source("elsewhere", "company.other"))
    answer = as_alice.post("/flows/company.team", TWO)
    assert [(flow["id"], flow["revision"]) for flow in answer.json()] == [("one", 1), ("two", 1)]
    assert there() == ["company.other.elsewhere", "company.team.one", "company.team.two"]


def test_nothing_is_deleted_when_that_is_not_wanted(as_alice: ApiClient) -> None:
    as_alice.post("/flows", flow_source("old"))
    assert as_alice.post("/flows/company.team", TWO, delete="false").status_code == 200
    assert there() == ["company.team.old", "company.team.one", "company.team.two"]


def test_bulk_deletes_only_in_the_namespaces_it_names(as_alice: ApiClient) -> None:
    as_alice.post("/flows", flow_source("old"))
    as_alice.post("/flows", flow_source("elsewhere", "company.other"))
    assert as_alice.post("/flows/bulk", TWO, delete="true").status_code == 200
    assert there() == ["company.other.elsewhere", "company.team.one", "company.team.two"]


def test_one_bad_flow_keeps_all_out(as_alice: ApiClient) -> None:
    bad = flow_source("bad").replace("log.Log", "log.None")
    answer = as_alice.post("/flows/bulk", f"{flow_source('good')}---\n{bad}")
    assert answer.status_code == 422
    assert all(error["path"].startswith("flows[1]") for error in errors_of(answer))
    assert there() == []


def test_flow_of_another_namespace_and_a_name_twice_are_refused(as_alice: ApiClient) -> None:
    stranger = as_alice.post("/flows/company.team", flow_source("one", "company.other"))
    assert stranger.status_code == 422
    assert "Flow namespace is invalid" in stranger.json()["message"]
    assert as_alice.post("/flows/bulk", flow_source("one") + "---\n" + flow_source("one")).status_code == 422
    assert there() == []


def test_bulk_asks_for_each_namespaces_permissions(as_alice: ApiClient, as_bob: ApiClient, bob: Any) -> None:
    grant(bob, "FLOW:CREATE", "FLOW:UPDATE", namespace="company.team")
    assert as_bob.post("/flows/bulk", TWO, delete="true").status_code == 403
    assert there() == []
    assert as_bob.post("/flows/bulk", TWO, delete="false").status_code == 200
    assert as_bob.post("/flows/bulk", flow_source("x", "company.other"), delete="false").status_code == 403


def test_archive_goes_out_and_comes_in_again(as_alice: ApiClient) -> None:
    as_alice.post("/flows/bulk", TWO)
    ids = [{"namespace": "company.team", "id": "one"}, {"namespace": "company.team", "id": "two"}]
    packed = as_alice.post("/flows/export/by-ids", ids)
    assert packed.headers["Content-Type"] == "application/octet-stream"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert sorted(archive.namelist()) == ["company.team-one.yml", "company.team-two.yml"]
        assert archive.read("company.team-one.yml").decode() == flow_source("one")
    assert as_alice.get("/flows/export/by-query", namespace="company").content[:2] == b"PK"
    assert as_alice.delete("/flows/delete/by-ids", ids).json() == {"count": 2}
    upload = SimpleUploadedFile("flows.zip", packed.content)
    assert as_alice.post_form("/flows/import", {"fileUpload": upload}).status_code == 204
    assert there() == ["company.team.one", "company.team.two"]


def test_yaml_file_of_several_flows_is_imported(as_alice: ApiClient) -> None:
    upload = SimpleUploadedFile("flows.yaml", TWO.encode())
    assert as_alice.post_form("/flows/import", {"fileUpload": upload}).status_code == 204
    assert there() == ["company.team.one", "company.team.two"]


@pytest.mark.parametrize(("name", "content"), [("flows.zip", b"no zip"), ("flows.yaml", b"\xff\xfe")])
def test_upload_that_is_neither_is_refused(as_alice: ApiClient, name: str, content: bytes) -> None:
    upload = SimpleUploadedFile(name, content)
    assert as_alice.post_form("/flows/import", {"fileUpload": upload}).status_code == 422
    assert as_alice.post_form("/flows/import", {}).status_code == 400


def test_flows_are_disabled_enabled_and_deleted_together(as_alice: ApiClient) -> None:
    as_alice.post("/flows/bulk", TWO)
    ids = [{"namespace": "company.team", "id": "one"}, {"namespace": "company.team", "id": "two"}]
    assert as_alice.post("/flows/disable/by-ids", ids).json() == {"count": 2}
    assert as_alice.get("/flows/company.team/one").json()["disabled"] is True
    assert as_alice.post("/executions/company.team/one").status_code == 409
    assert as_alice.post("/flows/enable/by-query", namespace="company.team").json() == {"count": 2}
    enabled = as_alice.get("/flows/company.team/one").json()
    assert (enabled["disabled"], enabled["revision"]) == (False, 3)
    assert as_alice.post("/flows/disable/by-query", q="two").json() == {"count": 1}
    assert as_alice.delete("/flows/delete/by-query", namespace="company.team").json() == {"count": 2}
    assert there() == []


def test_one_unknown_flow_keeps_all_as_they_are(as_alice: ApiClient) -> None:
    as_alice.post("/flows/bulk", TWO)
    ids = [{"namespace": "company.team", "id": "one"}, {"namespace": "company.team", "id": "none"}]
    for answer in (as_alice.delete("/flows/delete/by-ids", ids), as_alice.post("/flows/disable/by-ids", ids)):
        assert answer.status_code == 400
        assert answer.json()["invalids"] == [
            {"message": "flow not found", "path": "flow", "invalidValue": "company.team.none"}
        ]
    assert as_alice.delete("/flows/delete/by-ids", {"id": "one"}).status_code == 422
    assert there() == ["company.team.one", "company.team.two"]


def test_viewer_changes_no_flow_by_a_query(as_alice: ApiClient, as_bob: ApiClient, bob: Any) -> None:
    as_alice.post("/flows/bulk", TWO)
    as_alice.post("/flows", flow_source("far", "company.other"))
    assert as_bob.delete("/flows/delete/by-query").status_code == 403
    grant(bob, "FLOW:DELETE", namespace="company.other")
    assert as_bob.delete("/flows/delete/by-query").json() == {"count": 1}, "only where he may"
    assert there() == ["company.team.one", "company.team.two"]


def test_check_tells_of_each_flow_and_saves_none(as_alice: ApiClient) -> None:
    bad = flow_source("bad").replace("message: hi", "mesage: hi")
    found = as_alice.post("/flows/validate", f"{flow_source('good')}---\n{bad}").json()
    assert [(one["index"], one["flow"], one["namespace"]) for one in found] == [
        (0, "good", "company.team"),
        (1, "bad", "company.team"),
    ]
    assert "constraints" not in found[0]
    assert "mesage" in found[1]["constraints"]
    assert found[1]["violations"][0]["line"] == 4
    assert (found[0]["outdated"], found[0]["warnings"], found[0]["deprecationPaths"]) == (False, [], [])
    assert there() == []


def test_check_says_when_a_newer_revision_is_stored(as_alice: ApiClient) -> None:
    as_alice.post("/flows", flow_source("one"))
    as_alice.put("/flows/company.team/one", flow_source("one", message="new"))
    (old,) = as_alice.post("/flows/validate", "revision: 1\n" + flow_source("one")).json()
    (new,) = as_alice.post("/flows/validate", "revision: 2\n" + flow_source("one")).json()
    assert (old["outdated"], new["outdated"]) == (True, False)


def test_check_of_an_empty_text_and_of_no_yaml_says_what_is_wrong(as_alice: ApiClient) -> None:
    for text in ("", "---\n", "{", "[]", "just words"):
        (found,) = as_alice.post("/flows/validate", text).json()
        assert found["constraints"], text


def test_one_task_is_checked_by_itself(as_alice: ApiClient) -> None:
    good = "id: log\ntype: io.kestra.plugin.core.log.Log\nmessage: hi\n"
    assert "constraints" not in as_alice.post("/flows/validate/task", good, section="tasks").json()
    bad = as_alice.post("/flows/validate/task", "id: log\ntype: io.kestra.plugin.core.log.Log\nmesage: hi\n").json()
    assert "mesage" in bad["constraints"]
    assert {(one["path"], one["line"]) for one in bad["violations"]} >= {("mesage", 3)}
    as_json = {"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "hi"}
    assert "constraints" not in as_alice.post("/flows/validate/task", as_json).json()


def test_unknown_trigger_is_told(as_alice: ApiClient) -> None:
    found = as_alice.post("/flows/validate/trigger", "id: t\ntype: io.kestra.plugin.core.trigger.Nothing\n").json()
    assert "Invalid type: io.kestra.plugin.core.trigger.Nothing" in found["constraints"]
    assert found["violations"][0]["path"] == "type"
