"""The API of triggers: lists, switching, unlocking, backfills, evaluations, and who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from apps.audit.models import AuditEntry
from apps.workflows.models import TriggerState
from apps.workflows.services.flows import create_flow
from tests.support.api_client import ApiClient

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
