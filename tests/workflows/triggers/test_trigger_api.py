"""The API of triggers: lists, switching, unlocking, backfills, evaluations, and who may."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync

from apps.audit.models import AuditEntry
from apps.workflows.models import TriggerState
from apps.workflows.services.flows import create_flow
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.world import person

Clock = time_machine.Traveller


def source(flow_id: str, namespace: str = "company.team") -> str:
    return f"""
id: {flow_id}
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}
triggers:
  - {{id: hourly, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 * * * *"}}
  - {{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: k}}
"""


KEY = {"namespace": "company.team", "flowId": "a", "triggerId": "hourly"}


@pytest.fixture
def admin(in_alpha: Any, alice: Any, frozen_clock: Clock) -> ApiClient:
    for flow_id, namespace in (("a", "company.team"), ("b", "company.team"), ("c", "company.other")):
        create_flow(acting_user=None, source=source(flow_id, namespace))
    return ApiClient(alice)


def test_search_and_list(admin: ApiClient, bob: Any) -> None:
    page = admin.get("/triggers/search", size=2, sort="flowId:desc").json()
    assert page["total"] == 6
    (first, _) = page["results"]
    assert first["abstractTrigger"] == {"id": "hook", "type": "io.kestra.plugin.core.trigger.Webhook", "key": "k"}
    assert first["triggerContext"]["flowId"] == "c"
    found = admin.get("/triggers/search", q="hourly", namespace="company.team").json()
    assert [one["triggerContext"]["flowId"] for one in found["results"]] == ["a", "b"]
    context = found["results"][0]["triggerContext"]
    assert datetime.fromisoformat(context.pop("nextExecutionDate")) == datetime(2026, 1, 15, 11, tzinfo=UTC)
    assert datetime.fromisoformat(context.pop("updatedDate")) == datetime(2026, 1, 15, 10, tzinfo=UTC)
    assert context == {**KEY, "disabled": False}
    assert ApiClient(bob).get("/triggers/search").json()["total"] == 4, "Bob sees one namespace"
    listed = admin.get("/triggers/company.team/a").json()
    assert sorted(one["triggerId"] for one in listed["results"]) == ["hook", "hourly"]
    assert ApiClient(bob).get("/triggers/company.other/c").status_code == 403


def test_switching_one_and_several(admin: ApiClient) -> None:
    assert admin.put("/triggers", {**KEY, "disabled": True}).json()["disabled"] is True
    assert "nextExecutionDate" not in admin.get("/triggers/company.team/a", q="hourly").json()["results"][0]
    body = {"triggers": [KEY, {**KEY, "flowId": "b", "more": 1}], "disabled": True}
    assert admin.post("/triggers/set-disabled/by-triggers", body).json() == {"count": 2}
    assert TriggerState.objects.filter(disabled=True).count() == 2
    assert admin.post("/triggers/set-disabled/by-query", None, namespace="company", disabled="false").json() == {
        "count": 2
    }
    assert not TriggerState.objects.filter(disabled=True).exists()
    unknown = {"triggers": [KEY, {**KEY, "flowId": "none"}], "disabled": True}
    assert admin.post("/triggers/set-disabled/by-triggers", unknown).status_code == 404
    assert not TriggerState.objects.filter(disabled=True).exists(), "all or none"
    assert AuditEntry.objects.filter(resource="Trigger").count() >= 4


def test_unlock_and_restart(admin: ApiClient) -> None:
    path = "/triggers/company.team/a/hourly"
    assert admin.post(f"{path}/unlock").status_code == 409
    lock = TriggerState.objects.filter(trigger_id="hourly")
    lock.update(execution_id="0" * 22)
    assert "executionId" not in admin.post(f"{path}/unlock").json()
    assert admin.post("/triggers/unlock/by-query", None, q="hourly").json() == {"count": 2}
    lock.update(execution_id="0" * 22)
    assert admin.post("/triggers/unlock/by-triggers", [KEY]).json() == {"count": 1}
    assert admin.post("/triggers/company.team/b/hourly/restart").status_code == 200
    assert admin.post("/triggers/company.team/b/none/restart").status_code == 404


def test_backfills(admin: ApiClient) -> None:
    asked = {"start": "2026-01-14T00:00:00Z", "end": "2026-01-14T10:00:00Z", "labels": [{"key": "why", "value": "x"}]}
    held = admin.put("/triggers", {**KEY, "backfill": asked}).json()["backfill"]
    assert (held["paused"], held["progress"]) == (False, 0.0)
    assert held["currentDate"].startswith("2026-01-14T00:00:00")
    assert admin.put("/triggers/backfill/pause", KEY).json()["backfill"]["paused"] is True
    assert admin.post("/triggers/backfill/unpause/by-query", None, namespace="company.team").json() == {"count": 1}
    assert admin.post("/triggers/backfill/pause/by-triggers", [KEY]).json() == {"count": 1}
    assert admin.put("/triggers/backfill/unpause", KEY).json()["backfill"]["paused"] is False
    assert "backfill" not in admin.post("/triggers/backfill/delete", KEY).json()
    assert admin.post("/triggers/backfill/delete", KEY).status_code == 409
    assert admin.put("/triggers", {**KEY, "triggerId": "hook", "backfill": asked}).status_code == 422
    assert (
        admin.put("/triggers", {**KEY, "backfill": {"start": asked["end"], "end": asked["start"]}}).status_code == 422
    )


def test_evaluations_and_who_may(admin: ApiClient, bob: Any) -> None:
    assert ApiClient().post("/executions/webhook/company.team/a/k").status_code == 200
    (one,) = admin.get("/triggers/company.team/a/hook/evaluations").json()
    assert (one["outcome"], one["conditions"]) == ("STARTED", [])
    assert datetime.fromisoformat(one["at"]) == datetime(2026, 1, 15, 10, tzinfo=UTC)
    reader = ApiClient(bob)
    assert reader.get("/triggers/company.team/a/hook/evaluations").status_code == 200
    assert reader.get("/triggers/company.other/c/hook/evaluations").status_code == 403
    for answer in (
        reader.put("/triggers", {**KEY, "disabled": True}),
        reader.post("/triggers/company.team/a/hourly/restart"),
        reader.post("/triggers/set-disabled/by-triggers", {"triggers": [KEY], "disabled": True}),
        reader.put("/triggers/backfill/pause", KEY),
    ):
        assert answer.status_code == 403
    assert not TriggerState.objects.filter(disabled=True).exists()


def test_deleting_forgets_where_a_trigger_stands(admin: ApiClient, bob: Any) -> None:
    assert admin.put("/triggers/set-disabled", {**KEY, "disabled": True}).status_code == 204
    assert TriggerState.objects.filter(disabled=True).count() == 1
    path = "/triggers/company.team/a/hourly"
    assert ApiClient(bob).delete(path).status_code == 403
    assert admin.delete(path).status_code == 204
    again = TriggerState.objects.get(flow_id="a", trigger_id="hourly")
    assert (again.disabled, again.next_date) == (False, datetime(2026, 1, 15, 11, tzinfo=UTC)), "its flow still has it"
    assert admin.delete("/triggers/company.team/a/none").status_code == 404
    TriggerState.objects.create(
        flow_ref=0, namespace="gone", flow_id="x", trigger_id="orphan", type="t", kind="OTHER", updated=again.updated
    )
    assert admin.delete("/triggers/delete/by-query", None, namespace="gone").json() == {"count": 1}
    assert not TriggerState.objects.filter(namespace="gone").exists()
    assert admin.delete("/triggers/delete/by-triggers", [KEY]).json() == {"count": 1}
    assert ApiClient(bob).delete("/triggers/delete/by-query", None).status_code == 403
    assert AuditEntry.objects.filter(resource="Trigger", type="DELETE").count() == 3


def text_of(answer: Any) -> str:
    return async_to_sync(_read)(answer).decode()


async def _read(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def test_the_table_of_a_search(flows: FlowRunner, frozen_clock: Clock) -> None:
    for flow_id, namespace in (("a", "company.team"), ("b", "company.team"), ("c", "company.other")):
        flows.save(source(flow_id, namespace))
    table = ApiClient(person("alice")).get("/triggers/export/by-query/csv", q="hourly")
    assert table["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(text_of(table).splitlines()))
    assert [(one["flowId"], one["disabled"]) for one in lines] == [("a", "false"), ("b", "false"), ("c", "false")]
    assert lines[0]["nextExecutionDate"].startswith("2026-01-15T11:00:00")
    assert len(text_of(ApiClient(person("bob")).get("/triggers/export/by-query/csv")).splitlines()) == 1 + 4


def test_filters_of_later_clients(admin: ApiClient) -> None:
    def found(**query: str) -> list[str]:
        page = admin.get("/triggers/search", **query).json()
        return [one["triggerContext"]["flowId"] for one in page["results"]]

    assert found(**{"filters[triggerId][EQUALS]": "hook", "filters[namespace][STARTS_WITH]": "company.t"}) == ["a", "b"]
    assert found(**{"filters[flowId][NOT_IN]": "a,b", "filters[q][EQUALS]": "hourly"}) == ["c"]
    assert admin.get("/triggers/search", **{"filters[flowId][GREATER_THAN]": "a"}).status_code == 400
    # last: the database refuses it, and with it the rest of the test's transaction
    assert admin.get("/triggers/search", **{"filters[flowId][REGEX]": "("}).status_code == 400


def test_a_chain_that_feeds_itself_is_told_by_each_answer(admin: ApiClient) -> None:
    text = """
id: {0}
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    preconditions: {{id: p, flows: [{{namespace: company.team, flowId: {1}}}]}}
"""
    first = admin.post("/flows", text.format("x", "y"))
    assert "warnings" not in first.json()
    (checked,) = admin.post("/flows/validate", text.format("y", "x")).json()
    assert any("start one another for ever" in warning for warning in checked["warnings"])
    (warning,) = admin.post("/flows", text.format("y", "x")).json()["warnings"]
    assert "company.team.x" in warning
    changed = text.format("y", "x") + "description: changed\n"
    assert admin.put("/flows/company.team/y", changed).json()["warnings"] == [warning]
