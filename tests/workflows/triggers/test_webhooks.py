"""Webhooks as callers see them: keys, bodies, conditions, what is not found; and the Toggle task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.workflows.models import Execution, TriggerEvaluation, TriggerState
from apps.workflows.services.flows import set_flow_disabled
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner

SOURCE = """
id: hook
namespace: company.team
tasks:
  - {id: out, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger | json }}"}
triggers:
  - {id: first, type: io.kestra.plugin.core.trigger.Webhook, key: one-key}
  - id: second
    type: io.kestra.plugin.core.trigger.Webhook
    key: "{{ 'two' ~ '-' ~ flow.id }}"
    labels: {who: "{{ trigger.body.who }}"}
    conditions:
      - {type: io.kestra.plugin.core.condition.Expression, expression: "{{ trigger.body.who == 'me' }}"}
"""
PATH = "/executions/webhook/company.team/hook/"
Api = Callable[..., ApiClient]


@pytest.fixture
def hook(flows: FlowRunner) -> FlowRunner:
    flows.save(SOURCE)
    return flows


def test_anybody_with_the_key_starts_the_flow(hook: FlowRunner) -> None:
    answer = ApiClient().post(PATH + "one-key", {"a": 1, "b": True}, name="john", age=["12", "13"])
    assert answer.status_code == 200
    held = answer.json()
    assert held["state"]["current"] == "CREATED"
    assert held["trigger"]["id"] == "first"
    variables = held["trigger"]["variables"]
    assert variables["body"] == {"a": 1, "b": True}
    assert variables["parameters"] == {"name": ["john"], "age": ["12", "13"]}
    assert variables["headers"]["Content-Type"] == ["application/json"]
    hook.jobs.run()
    assert Execution.objects.get().state == "SUCCESS"


@pytest.mark.parametrize(
    ("method", "body", "kept"),
    [
        ("put", [{"a": 1}], [{"a": 1}]),
        ("post", "only text", "only text"),
        ("post", "17", "17"),
        ("post", None, None),
        ("get", None, None),
    ],
)
def test_bodies(hook: FlowRunner, method: str, body: Any, kept: Any) -> None:
    client = ApiClient()
    answer = client.get(PATH + "one-key") if method == "get" else getattr(client, method)(PATH + "one-key", body)
    assert answer.json()["trigger"]["variables"].get("body") == kept


def test_conditions_and_rendered_keys(hook: FlowRunner) -> None:
    assert ApiClient().post(PATH + "two-hook", {"who": "you"}).status_code == 204
    assert not Execution.objects.exists()
    answer = ApiClient().post(PATH + "two-hook", {"who": "me"})
    assert answer.status_code == 200
    assert {"key": "who", "value": "me"} in answer.json()["labels"]
    assert [one.outcome for one in TriggerEvaluation.objects.order_by("id")] == ["CONDITIONS", "STARTED"]


def test_what_is_not_found_and_what_is_switched_off(hook: FlowRunner) -> None:
    for path, text in [
        (PATH + "wrong", "Webhook not found"),
        ("/executions/webhook/company.team/x/y", "Flow not found"),
    ]:
        for method in ("get", "post", "put"):
            answer = getattr(ApiClient(), method)(path)
            assert answer.status_code == 404
            assert text in answer.json()["message"]
    assert ApiClient(tenant="beta").post(PATH + "one-key").status_code == 404
    TriggerState.objects.filter(trigger_id="first").update(disabled=True)
    assert ApiClient().post(PATH + "one-key").status_code == 404
    set_flow_disabled(acting_user=None, namespace="company.team", flow_id="hook", disabled=True)
    assert ApiClient().post(PATH + "two-hook", {"who": "me"}).status_code == 409
    assert ApiClient().post(PATH + "wrong").status_code == 404
    assert not Execution.objects.exists()


def test_credentials_of_a_person_are_not_kept(hook: FlowRunner) -> None:
    client = ApiClient()
    client.client.cookies["sessionid"] = "of-a-browser"
    held = client.client.post(client.url(PATH + "one-key"), headers={"Authorization": "Bearer of-the-caller"}).json()
    headers = held["trigger"]["variables"]["headers"]
    assert "Cookie" not in headers
    assert headers["Authorization"] == ["Bearer of-the-caller"], "of no person here: the flow may check it"


TOGGLE = """
id: switcher
namespace: company.team
inputs: [{id: on, type: BOOLEAN}]
tasks:
  - id: switch
    type: io.kestra.plugin.core.trigger.Toggle
    flowId: hook
    trigger: first
    enabled: "{{ inputs.on }}"
"""


def test_toggle(hook: FlowRunner) -> None:
    assert hook.run(TOGGLE, {"on": "false"}).state == "SUCCESS"
    assert ApiClient().post(PATH + "one-key").status_code == 404
    assert hook.run(TOGGLE, {"on": "true"}).state == "SUCCESS"
    assert ApiClient().post(PATH + "one-key").status_code == 200
    ran = hook.run(TOGGLE.replace("first", "third"), {"on": "true"})
    assert ran.state == "FAILED"
    assert ran.logs(level=5) == ["Unable to find trigger third for the flow company.team.hook"]
    ran = hook.run(TOGGLE.replace("flowId: hook", "flowId: none"), {"on": "true"})
    assert ran.logs(level=5) == ["Unable to find flow company.team.none"]
