"""The REST routes of Apps: who may, what comes back, what is refused; and what the holder of a link reaches."""

from __future__ import annotations

import asyncio
import io
import json
import re
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.userapps.models import AppDecision, AppRun, UserApp
from apps.userapps.services.apps import create_app, set_embed_hosts, update_app
from apps.userapps.urls import api_urls, ui_urls
from apps.workflows.models import Execution
from apps.workflows.services.flows import create_flow
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.world import person
from tests.userapps.conftest import APP, FLOW, PUBLIC

LOGS = "  - on: SUCCESS\n    blocks:\n      - {type: io.kestra.plugin.ee.apps.execution.blocks.Logs}\n"


@pytest.fixture
def refund_flow(in_alpha: object) -> None:
    create_flow(acting_user=None, source=FLOW)


@pytest.mark.django_db
class TestWritten:
    """Apps as they are written."""

    def test_one_is_created_read_changed_and_deleted(self, alice: User, in_alpha: object) -> None:
        api = ApiClient(alice)
        created = api.post("/apps", APP)
        assert created.status_code == 200
        uid = created.json()["uid"]
        assert re.fullmatch("[0-9A-Za-z]{22}", uid)
        read = api.get(f"/apps/{uid}").json()
        assert (read["name"], read["namespace"], read["tags"], read["source"], read["revision"]) == (
            "Refund customers", "company.team", ["Finance"], APP, 1,
        )  # fmt: skip
        changed = api.put(f"/apps/{uid}", APP.replace("Refund customers", "Refunds"))
        assert (changed.json()["name"], changed.json()["revision"]) == ("Refunds", 2)
        assert api.put(f"/apps/{uid}", APP.replace("id: refund\n", "id: other\n", 1)).status_code == 422
        assert api.delete(f"/apps/{uid}").status_code == 204
        assert api.get(f"/apps/{uid}").status_code == 404
        assert list(
            AuditEntry.objects.filter(resource="App").order_by("date", "id").values_list("type", flat=True)
        ) == ["CREATE", "UPDATE", "DELETE"]

    def test_mistakes_come_with_their_lines(self, alice: User, in_alpha: object) -> None:
        refused = ApiClient(alice).post("/apps", APP.replace("blocks.CreateExecutionForm", "blocks.CreateForm"))
        assert refused.status_code == 422
        (first, *_) = refused.json()["_embedded"]["errors"]
        assert first["path"] == "layout[0].blocks[1].type"
        assert not UserApp.objects.exists()

    def test_a_name_is_taken_once_in_a_namespace(self, alice: User, refund: UserApp) -> None:
        assert ApiClient(alice).post("/apps", APP).status_code == 409

    def test_lists_are_narrowed_and_paged(self, alice: User, refund: UserApp) -> None:
        create_app(acting_user=None, source=APP.replace("id: refund\n", "id: other\n", 1).replace("Finance", "Ops"))
        api = ApiClient(alice)
        assert api.get("/apps/search").json()["total"] == 2
        assert [one["id"] for one in api.get("/apps/search", tags="Ops").json()["results"]] == ["other"]
        assert api.get("/apps/search", q="refund", namespace="company", flowId="refund", size="1").json()["total"] == 2
        assert api.get("/apps/search", namespace="elsewhere").json()["results"] == []
        assert api.get("/apps/tags").json() == {"tags": ["Finance", "Ops"]}
        update_app(acting_user=None, uid=refund.uid, source=APP + "disabled: true\n")
        assert [one["id"] for one in api.get("/apps/catalog").json()["results"]] == ["other"]

    def test_it_is_switched_off_and_on_alone_and_with_others(self, alice: User, refund: UserApp) -> None:
        api = ApiClient(alice)
        assert api.post(f"/apps/{refund.uid}/disable").json()["enabled"] is False
        assert api.post(f"/apps/{refund.uid}/enable").json()["enabled"] is True
        assert api.post("/apps/disable", [refund.uid]).json() == {"count": 1}
        assert UserApp.objects.get().disabled
        assert api.post("/apps/enable", [refund.uid]).json() == {"count": 1}
        assert api.post("/apps/enable", []).status_code == 422
        assert api.delete("/apps", [refund.uid, "0" * 22]).status_code == 404
        assert UserApp.objects.count() == 1, "all or none"
        assert api.delete("/apps", [refund.uid]).json() == {"count": 1}

    def test_a_new_link_and_hosts_of_frames(self, alice: User, refund: UserApp) -> None:
        api = ApiClient(alice)
        fresh = api.post(f"/apps/{refund.uid}/link").json()["uid"]
        assert fresh != refund.uid and api.get(f"/apps/{refund.uid}").status_code == 404
        assert api.put(f"/apps/{fresh}/embed-hosts", {"hosts": ["Intra.example.com"]}).status_code == 200
        assert UserApp.objects.get().embed_hosts == ["intra.example.com"]
        assert api.put(f"/apps/{fresh}/embed-hosts", {"hosts": ["https://x/"]}).status_code == 422

    def test_an_archive_goes_out_and_comes_in(self, alice: User, refund: UserApp) -> None:
        api = ApiClient(alice)
        packed = api.post("/apps/export", [refund.uid]).content
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            assert archive.namelist() == ["company.team-refund.yaml"]
            assert archive.read("company.team-refund.yaml").decode() == APP
        api.delete(f"/apps/{refund.uid}")
        brought = api.post_form("/apps/import", {"fileUpload": SimpleUploadedFile("apps.zip", packed)})
        assert [one["id"] for one in brought.json()] == ["refund"]
        two = APP + "---\n" + APP.replace("id: refund\n", "id: bad name\n", 1)
        refused = api.post_form("/apps/import", {"fileUpload": SimpleUploadedFile("two.yaml", two.encode())})
        assert refused.status_code == 422
        assert refused.json()["_embedded"]["errors"][0]["path"].startswith("apps[1]")
        assert UserApp.objects.count() == 1
        assert api.post_form("/apps/import", {}).status_code == 422

    def test_the_builder_asks_how_an_event_looks(self, alice: User, refund_flow: None) -> None:
        api = ApiClient(alice)
        shown = api.post("/apps/preview", {"source": APP, "event": "PAUSE"}).json()
        assert shown["event"] == "PAUSE"
        kinds = [one["type"].rsplit(".", 1)[-1] for one in shown["layout"]["blocks"]]
        assert kinds[0] == "Inputs" and "ResumeExecutionButton" in kinds
        assert api.post("/apps/preview", {"source": APP, "event": "NEVER"}).status_code == 422
        assert not UserApp.objects.exists()

    @pytest.mark.parametrize("who", ["bob", "dora", "charlie", "nobody"])
    def test_writing_needs_the_right_to(self, who: str, request: pytest.FixtureRequest, refund: UserApp) -> None:
        api = ApiClient(None if who == "nobody" else request.getfixturevalue(who))
        path = f"/apps/{refund.uid}"
        answers = [
            api.post("/apps", APP.replace("id: refund\n", "id: mine\n", 1)),
            api.put(path, APP + "disabled: true\n"),
            api.delete(path),
            *(api.post(f"{path}/{word}") for word in ("enable", "disable", "link")),
            api.put(f"{path}/embed-hosts", {"hosts": []}),
            *(api.post(f"/apps/{word}", [refund.uid]) for word in ("enable", "disable")),
            api.delete("/apps", [refund.uid]),
            api.post_form("/apps/import", {"fileUpload": SimpleUploadedFile("a.yaml", APP.encode())}),
        ]
        assert {answer.status_code for answer in answers} <= {401, 403, 404}
        held = UserApp.objects.get()
        assert (held.uid, held.revision) == (refund.uid, 1)


@pytest.mark.django_db
class TestUsed:
    """Apps as clients of their own show them."""

    def test_a_form_is_sent_with_a_file_and_counts_once(self, dora: User, refund: UserApp) -> None:
        api = ApiClient(dora)
        view = api.get(f"/apps/view/{refund.uid}").json()
        assert (view["event"], view.get("stream")) == ("OPEN", None)
        form = next(one for one in view["layout"]["blocks"] if one["type"].endswith("CreateExecutionForm"))
        assert [one["input"]["id"] for one in form["inputs"]] == ["reason", "amount", "token", "proof"]
        path = f"/apps/view/{refund.uid}/dispatch/{view['dispatch']}"
        parts = {"reason": "storm", "amount": "12", "proof": SimpleUploadedFile("p.txt", b"wet")}
        sent = api.post_form(path, parts)
        assert sent.status_code == 200
        assert sent.json()["event"] == "CREATED" and sent.json()["stream"]
        again = api.post_form(path, {"reason": "storm", "amount": "12"})
        assert again.json()["executionId"] == sent.json()["executionId"]
        execution = Execution.objects.get()
        assert execution.inputs["amount"] == 12 and execution.inputs["proof"].startswith("kestra://")

    def test_wrong_values_start_nothing(self, dora: User, refund: UserApp) -> None:
        api = ApiClient(dora)
        view = api.get(f"/apps/view/{refund.uid}").json()
        path = f"/apps/view/{refund.uid}/dispatch/{view['dispatch']}"
        assert api.post_form(path, {"reason": "x", "amount": "9000"}).status_code == 422
        assert api.post_form(path, {"reason": "x", "amount": "1"}, action="explode").status_code == 422
        assert api.post_form(f"/apps/view/{refund.uid}/dispatch/forged", {}).status_code == 404
        assert not Execution.objects.exists()

    def test_who_may_only_look_cannot_send(self, bob: User, refund: UserApp) -> None:
        api = ApiClient(bob)
        view = api.get(f"/apps/view/{refund.uid}")
        assert view.status_code == 200
        path = f"/apps/view/{refund.uid}/dispatch/{view.json()['dispatch']}"
        assert api.post_form(path, {"reason": "x", "amount": "1"}).status_code == 403
        assert ApiClient().get(f"/apps/view/{refund.uid}").status_code == 401


def read_stream(response: Any) -> str:
    async def read() -> str:
        return b"".join([part async for part in response.streaming_content]).decode()

    return asyncio.run(read())


def test_an_execution_is_followed_decided_and_its_files_and_log_are_fetched(flows: FlowRunner) -> None:
    proof = "  - {id: proof, type: FILE, value: '{{ inputs.proof }}'}\n"
    create_flow(acting_user=None, source=FLOW.replace("  - {id: paid,", proof + "  - {id: paid,"))
    source = APP.partition("  - on: SUCCESS")[0] + LOGS
    app = create_app(acting_user=None, source=source).app
    api, base = ApiClient(person("alice")), f"/apps/view/{app.uid}"
    dispatch = api.get(base).json()["dispatch"]
    parts = {"reason": "x", "amount": "7", "proof": SimpleUploadedFile("p.txt", b"wet parcel")}
    sent = api.post_form(f"{base}/dispatch/{dispatch}", parts).json()
    flows.jobs.run(most=1000)

    paused = api.get(base, stream=sent["stream"]).json()
    assert paused["event"] == "PAUSE"
    held = Execution.objects.get(pk=sent["executionId"]).inputs["proof"]
    asked = {"path": held, "stream": sent["stream"]}
    assert api.get(f"{base}/file/meta", **asked).json() == {"size": 10}
    assert "wet parcel" in json.dumps(api.get(f"{base}/file/preview", **asked).json())
    assert read_stream(api.get(f"{base}/file/download", **asked)) == "wet parcel"
    assert api.get(f"{base}/file/download", path=held).status_code == 404, "not without the execution's own value"
    assert api.get(f"{base}/file/meta", path=held + "x", stream=sent["stream"]).status_code == 404
    wanted = {"executionId": sent["executionId"], "stream": sent["stream"]}
    assert api.get(f"{base}/logs/download", **wanted).status_code == 404, "no Logs block at PAUSE"

    path = f"{base}/dispatch/{paused['dispatch']}"
    assert api.post_form(path, {"run": "never"}, action="resume").status_code == 422
    assert api.post_form(path, {"run": "tomorrow"}, action="resume", comment="fine").status_code == 200
    flows.jobs.run(most=1000)
    assert AppDecision.objects.get().comment == "fine"
    assert api.post_form(path, {"run": "today"}, action="resume").status_code == 409
    messages = read_stream(api.get(f"{base}/streams/{sent['stream']}"))
    last = [json.loads(line[5:]) for line in messages.splitlines() if line.startswith("data:")][-1]
    assert last["event"] == "SUCCESS"
    assert api.get(f"{base}/logs/download", **wanted).status_code == 200


def test_the_holder_of_a_public_link_reaches_its_app_and_nothing_else(flows: FlowRunner) -> None:
    """Every route of the URL conf, by somebody who knows a link and what its App gave him."""
    create_flow(acting_user=None, source=FLOW)
    private = create_app(acting_user=None, source=APP).app
    app = create_app(acting_user=None, source=PUBLIC.replace("id: refund\n", "id: open\n", 1)).app
    set_embed_hosts(acting_user=None, uid=app.uid, hosts=[])
    api = ApiClient()
    view = api.get(f"/apps/view/{app.uid}").json()
    sent = api.post_form(f"/apps/view/{app.uid}/dispatch/{view['dispatch']}", {"reason": "x", "amount": "1"}).json()
    known = {"uid": app.uid, "dispatch": sent["dispatch"], "stream": sent["stream"]}
    open_to_all = {"apps/view/<str:uid>", "apps/view/<str:uid>/streams/<str:stream>", "apps/<app:uid>", "apps/logo",
                   "apps/view/<str:uid>/dispatch/<str:dispatch>", "apps/<app:uid>/inputs", "apps/<app:uid>/events",
                   "apps/view/<str:uid>/file/meta", "apps/view/<str:uid>/file/preview", "apps/<app:uid>/file",
                   "apps/view/<str:uid>/file/download", "apps/view/<str:uid>/logs/download", "apps/<app:uid>/logs",
                   "apps/<app:uid>/thumbnail"}  # fmt: skip
    seen = set()
    for prefix, routes in (("/api/v1/alpha/", api_urls), ("/ui/alpha/", ui_urls)):
        for one in routes:
            route = str(one.pattern)
            seen.add(route)
            for uid in (app.uid, private.uid):
                path = prefix + re.sub(r"<\w+:(\w+)>", lambda found, uid=uid: {**known, "uid": uid}[found[1]], route)
                for method in ("get", "post", "put", "delete"):
                    answer = getattr(api.client, method)(path, headers={"Accept": "application/json"})
                    place = f"{method} {path}: {answer.status_code}"
                    if route in open_to_all and uid == app.uid:
                        assert answer.status_code < 500, place
                        continue
                    assert answer.status_code in {302, 401, 403, 404, 405}, place
                    if answer.status_code == 302:
                        assert answer.headers["Location"].startswith("/ui/login"), place
    assert open_to_all <= seen
    assert {one.uid for one in UserApp.objects.all()} == {app.uid, private.uid}
    assert AppRun.objects.count() == 1
    for path in ("flows/search", "executions/search", f"executions/{sent['executionId']}", "logs/search"):
        assert api.get(f"/{path}").status_code == 401, path
