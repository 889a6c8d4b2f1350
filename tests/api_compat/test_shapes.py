"""The JSON of real answers against the shapes that Kestra's clients parse, and the calls of its Python package."""

from collections.abc import Mapping
from typing import Any

import pytest

from apps.workflows.schemas.executions import ExecutionPageShape, ExecutionShape, StartedExecutionShape
from apps.workflows.schemas.flows import FlowCheckShape, FlowPageShape, FlowShape, FlowWithSourceShape
from apps.workflows.schemas.logs import LogEntryShape, LogPageShape, MetricPageShape
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.workflows.api.conftest import HELLO, started

# Properties of the clients' models, and which of them every answer has.
EXECUTION = {
    "always": {"id", "namespace", "flowId", "flowRevision", "state", "labels", "deleted", "metadata", "originalId"},
    "may": {"taskRunList", "inputs", "outputs", "variables", "parentId", "trigger", "scheduleDate", "url"},
}
STATE = {"always": {"current", "histories", "duration", "startDate"}, "may": {"endDate"}}
TASK_RUN = {
    "always": {"id", "executionId", "namespace", "flowId", "taskId", "state"},
    "may": {"parentTaskRunId", "value", "items", "iteration", "dynamic", "attempts", "outputs"},
}
FLOW = {
    "always": {"id", "namespace", "revision", "tasks", "disabled", "deleted"},
    "may": {
        "description",
        "labels",
        "inputs",
        "variables",
        "errors",
        "finally",
        "triggers",
        "pluginDefaults",
        "concurrency",
        "outputs",
        "retry",
        "sla",
        "source",
        "updated",
        "exception",
    },
}
LOG = {
    "always": {"namespace", "flowId", "executionId", "attemptNumber", "timestamp", "level", "message", "deleted"},
    "may": {"taskId", "taskRunId", "triggerId", "thread"},
}


def check(value: Mapping[str, Any], expected: dict[str, set[str]]) -> None:
    """Has what every answer has, and nothing a client does not know."""
    assert set(value) >= expected["always"]
    assert set(value) <= expected["always"] | expected["may"]


@pytest.fixture
def ran(running: tuple[ApiClient, FlowRunner]) -> tuple[ApiClient, str]:
    client, runner = running
    client.post("/flows", HELLO)
    return client, started(client, runner)


def test_execution(ran: tuple[ApiClient, str]) -> None:
    client, name = ran
    body = client.get(f"/executions/{name}").json()
    check(body, EXECUTION)
    check(body["state"], STATE)
    check(body["taskRunList"][0], TASK_RUN)
    check(body["taskRunList"][0]["attempts"][0]["state"], STATE)
    ExecutionShape.model_validate(body)
    page = client.get("/executions/search").json()
    check(page["results"][0], EXECUTION)
    ExecutionPageShape.model_validate(page)
    StartedExecutionShape.model_validate(client.post("/executions/company.team/hello").json())


def test_flow(ran: tuple[ApiClient, str]) -> None:
    client, name = ran
    for body in (client.get("/flows/company.team/hello").json(), client.get(f"/executions/{name}/flow").json()):
        check(body, FLOW)
        FlowShape.model_validate(body)
    FlowWithSourceShape.model_validate(client.get("/flows/company.team/hello", source="true").json())
    FlowPageShape.model_validate(client.get("/flows/search").json())
    for found in client.post("/flows/validate", HELLO + "---\nid: x\n").json():
        FlowCheckShape.model_validate(found)


def test_logs_and_metrics(ran: tuple[ApiClient, str]) -> None:
    client, name = ran
    (line,) = client.get(f"/logs/{name}").json()
    check(line, LOG)
    LogEntryShape.model_validate(line)
    LogPageShape.model_validate(client.get("/logs/search").json())
    MetricPageShape.model_validate(client.get(f"/metrics/{name}").json())


def test_error_has_message_link_and_problems(ran: tuple[ApiClient, str]) -> None:
    client, _ = ran
    for answer in (
        client.get("/executions/none"),
        client.post("/flows", "id: x"),
        client.get("/flows/search", size="x"),
        client.get("/no-such-route"),
    ):
        body = answer.json()
        assert answer.status_code in {400, 404, 422}
        assert ": " in body["message"]
        assert body["_links"]["self"]["href"].startswith("/api/v1/")
        assert all("message" in problem for problem in body["_embedded"]["errors"])


def test_python_package_starts_a_flow_without_a_tenant_and_polls_it(
    running: tuple[ApiClient, FlowRunner], settings: Any
) -> None:
    settings.KESTRA_DEFAULT_TENANT = "alpha"
    client, runner = running
    client.post("/flows", HELLO)
    bare = ApiClient(None, tenant=None)
    bare.client = client.client
    answer = bare.post_form("/executions/company.team/hello", {"who": "package"})
    assert answer.status_code == 200
    runner.jobs.run()
    polled = bare.get(f"/executions/{answer.json()['id']}").json()
    assert (polled["id"], polled["state"]["current"]) == (answer.json()["id"], "SUCCESS")
