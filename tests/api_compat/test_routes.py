"""Our routes against the list of what Kestra's clients call: each is there, marked, described and named alike."""

import re

import pytest
from django.urls import Resolver404, resolve

from apps.common.access import Guard, mark_for
from apps.common.ids import new_id
from apps.common.openapi import document

# Method, path, permission and action (None: anybody who is signed in), as the clients' own descriptions have them.
CALLED = [
    ("POST", "/templates", "TEMPLATE CREATE"),
    ("GET", "/templates/{namespace}/{id}", "TEMPLATE READ"),
    ("PUT", "/templates/{namespace}/{id}", "TEMPLATE UPDATE"),
    ("DELETE", "/templates/{namespace}/{id}", "TEMPLATE DELETE"),
    ("GET", "/templates/search", "TEMPLATE READ"),
    ("POST", "/templates/validate", "TEMPLATE READ"),
    ("POST", "/templates/import", "TEMPLATE CREATE"),
    ("GET", "/templates/distinct-namespaces", "TEMPLATE READ"),
    ("POST", "/templates/export/by-ids", "TEMPLATE READ"),
    ("GET", "/templates/export/by-query", "TEMPLATE READ"),
    ("DELETE", "/templates/delete/by-ids", "TEMPLATE DELETE"),
    ("DELETE", "/templates/delete/by-query", "TEMPLATE DELETE"),
    ("POST", "/templates/{namespace}", "TEMPLATE CREATE"),
    ("GET", "/cluster/services/active", "INFRASTRUCTURE READ"),
    ("GET", "/cluster/services/search", "INFRASTRUCTURE READ"),
    ("GET", "/cluster/services/{id}", "INFRASTRUCTURE READ"),
    ("GET", "/cluster/workergroups", "INFRASTRUCTURE READ"),
    ("POST", "/flows", "FLOW CREATE"),
    ("POST", "/flows/bulk", "FLOW CREATE"),
    ("GET", "/flows/distinct-namespaces", "FLOW READ"),
    ("POST", "/flows/export/by-ids", "FLOW READ"),
    ("GET", "/flows/export/by-query", "FLOW READ"),
    ("POST", "/flows/import", "FLOW CREATE"),
    ("GET", "/flows/search", "FLOW READ"),
    ("GET", "/flows/source", "FLOW READ"),
    ("POST", "/flows/validate", "FLOW READ"),
    ("POST", "/flows/validate/task", "FLOW READ"),
    ("POST", "/flows/validate/trigger", "FLOW READ"),
    ("GET", "/flows/{namespace}", "FLOW READ"),
    ("POST", "/flows/{namespace}", "FLOW CREATE"),
    ("GET", "/flows/{namespace}/{id}", "FLOW READ"),
    ("PUT", "/flows/{namespace}/{id}", "FLOW UPDATE"),
    ("DELETE", "/flows/{namespace}/{id}", "FLOW DELETE"),
    ("GET", "/flows/{namespace}/{id}/revisions", "FLOW READ"),
    ("GET", "/flows/{namespace}/{id}/tasks/{taskId}", "FLOW READ"),
    ("POST", "/flows/enable/by-ids", "FLOW UPDATE"),
    ("POST", "/flows/enable/by-query", "FLOW UPDATE"),
    ("POST", "/flows/disable/by-ids", "FLOW UPDATE"),
    ("POST", "/flows/disable/by-query", "FLOW UPDATE"),
    ("DELETE", "/flows/delete/by-ids", "FLOW DELETE"),
    ("DELETE", "/flows/delete/by-query", "FLOW DELETE"),
    ("GET", "/executions", "EXECUTION READ"),
    ("GET", "/executions/search", "EXECUTION READ"),
    ("DELETE", "/executions/by-ids", "EXECUTION DELETE"),
    ("DELETE", "/executions/by-query", "EXECUTION DELETE"),
    ("GET", "/executions/flows/{namespace}/{flowId}", "EXECUTION READ"),
    ("GET", "/executions/namespaces", "EXECUTION CREATE"),
    ("GET", "/executions/namespaces/{namespace}/flows", "EXECUTION CREATE"),
    ("POST", "/executions/trigger/{namespace}/{id}", "EXECUTION CREATE"),
    ("POST", "/executions/{namespace}/{id}", "EXECUTION CREATE"),
    ("POST", "/executions/{namespace}/{id}/validate", "EXECUTION CREATE"),
    ("GET", "/executions/{executionId}", "EXECUTION READ"),
    ("DELETE", "/executions/{executionId}", "EXECUTION DELETE"),
    ("GET", "/executions/{executionId}/file", "EXECUTION READ"),
    ("GET", "/executions/{executionId}/file/metas", "EXECUTION READ"),
    ("GET", "/executions/{executionId}/flow", "EXECUTION READ"),
    ("GET", "/executions/{executionId}/follow", "EXECUTION READ"),
    ("DELETE", "/executions/{executionId}/kill", "EXECUTION UPDATE"),
    ("DELETE", "/executions/{executionId}/actions/kill", "EXECUTION UPDATE"),
    ("DELETE", "/executions/kill/by-ids", "EXECUTION UPDATE"),
    ("DELETE", "/executions/kill/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/pause", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/pause", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/resume", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/resume", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/restart", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/restart", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/replay", "EXECUTION CREATE"),
    ("POST", "/executions/{executionId}/actions/replay", "EXECUTION CREATE"),
    ("POST", "/executions/{executionId}/force-run", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/force-run", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/unqueue", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/unqueue", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/labels", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/labels", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/change-status", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/change-status", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/state", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/state", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/resume/validate", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/actions/resume/validate", "EXECUTION UPDATE"),
    ("POST", "/executions/{executionId}/replay-with-inputs", "EXECUTION CREATE"),
    ("POST", "/executions/{executionId}/actions/replay-with-inputs", "EXECUTION CREATE"),
    ("POST", "/executions/{executionId}/eval/{taskRunId}", "FLOW UPDATE"),
    ("POST", "/executions/{executionId}/actions/eval", "FLOW UPDATE"),
    ("POST", "/executions/{executionId}/actions/eval/{taskRunId}", "FLOW UPDATE"),
    ("GET", "/executions/{executionId}/graph", "EXECUTION READ"),
    ("GET", "/flows/{namespace}/{id}/graph", "FLOW READ"),
    ("POST", "/flows/graph", "FLOW READ"),
    ("POST", "/executions/pause/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/pause/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/resume/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/resume/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/restart/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/restart/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/replay/by-ids", "EXECUTION CREATE"),
    ("POST", "/executions/replay/by-query", "EXECUTION CREATE"),
    ("POST", "/executions/force-run/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/force-run/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/unqueue/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/unqueue/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/labels/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/labels/by-query", "EXECUTION UPDATE"),
    ("POST", "/executions/change-status/by-ids", "EXECUTION UPDATE"),
    ("POST", "/executions/change-status/by-query", "EXECUTION UPDATE"),
    ("GET", "/logs/search", "EXECUTION READ"),
    ("GET", "/logs/{executionId}", "EXECUTION READ"),
    ("DELETE", "/logs/{executionId}", "EXECUTION DELETE"),
    ("GET", "/logs/{executionId}/download", "EXECUTION READ"),
    ("GET", "/logs/{executionId}/follow", "EXECUTION READ"),
    ("DELETE", "/logs/{namespace}/{flowId}", "EXECUTION DELETE"),
    ("GET", "/metrics/aggregates/{namespace}/{flowId}/{metric}", "EXECUTION READ"),
    ("GET", "/metrics/aggregates/{namespace}/{flowId}/{taskId}/{metric}", "EXECUTION READ"),
    ("GET", "/metrics/names/{namespace}/{flowId}", "EXECUTION READ"),
    ("GET", "/metrics/names/{namespace}/{flowId}/{taskId}", "EXECUTION READ"),
    ("GET", "/metrics/tasks/{namespace}/{flowId}", "EXECUTION READ"),
    ("GET", "/metrics/{executionId}", "EXECUTION READ"),
    ("GET", "/plugins", None),
    ("GET", "/plugins/groups/subgroups", None),
    ("GET", "/plugins/icons", None),
    ("GET", "/plugins/icons/groups", None),
    ("GET", "/plugins/inputs", None),
    ("GET", "/plugins/inputs/{type}", None),
    ("GET", "/plugins/schemas/{type}", None),
    ("GET", "/plugins/{cls}", None),
    ("PUT", "/triggers", "EXECUTION UPDATE"),
    ("GET", "/triggers/search", "FLOW READ"),
    ("GET", "/triggers/{namespace}/{flowId}", "FLOW READ"),
    ("POST", "/triggers/{namespace}/{flowId}/{triggerId}/restart", "EXECUTION UPDATE"),
    ("POST", "/triggers/{namespace}/{flowId}/{triggerId}/unlock", "EXECUTION UPDATE"),
    ("POST", "/triggers/unlock/by-triggers", "EXECUTION UPDATE"),
    ("POST", "/triggers/unlock/by-query", "EXECUTION UPDATE"),
    ("POST", "/triggers/set-disabled/by-triggers", "EXECUTION UPDATE"),
    ("POST", "/triggers/set-disabled/by-query", "EXECUTION UPDATE"),
    ("PUT", "/triggers/backfill/pause", "EXECUTION UPDATE"),
    ("PUT", "/triggers/backfill/unpause", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/delete", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/pause/by-triggers", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/pause/by-query", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/unpause/by-triggers", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/unpause/by-query", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/delete/by-triggers", "EXECUTION UPDATE"),
    ("POST", "/triggers/backfill/delete/by-query", "EXECUTION UPDATE"),
    ("PUT", "/triggers/backfill/create", "EXECUTION UPDATE"),
    ("PUT", "/triggers/set-disabled", "EXECUTION UPDATE"),
    ("DELETE", "/triggers/delete/by-triggers", "EXECUTION DELETE"),
    ("DELETE", "/triggers/delete/by-query", "EXECUTION DELETE"),
    ("DELETE", "/triggers/{namespace}/{flowId}/{triggerId}", "EXECUTION DELETE"),
    ("GET", "/triggers/export/by-query/csv", "FLOW READ"),
]

OF_SUPER_ADMINS_WITHOUT_TENANT = frozenset({"/cluster/workergroups"})
"""With a tenant in the path its members read them; without one a super admin manages those of the installation."""


def concrete(path: str) -> str:
    """The path with values in place of its names."""
    values = {"executionId": new_id(), "namespace": "company.team"}
    return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], "value"), path)


@pytest.mark.parametrize("base", ["/api/v1/main", "/api/v1"])
@pytest.mark.parametrize(("method", "path", "needs"), CALLED)
def test_route_is_there_and_marked(method: str, path: str, needs: str | None, base: str) -> None:
    try:
        view = resolve(base + concrete(path)).func
    except Resolver404:
        pytest.fail(f"there is no {path}")
    mark = mark_for(view, method)
    assert mark is not None, f"{method} {path} is not answered"
    if base == "/api/v1" and path in OF_SUPER_ADMINS_WITHOUT_TENANT:
        assert mark.guard is Guard.SUPER_ADMIN
    elif needs is None:
        assert mark.guard is Guard.SIGNED_IN
    else:
        assert f"{mark.permission} {mark.action}" == needs


def test_each_route_is_described_with_its_arguments() -> None:
    paths = {re.sub(r"\{\w+\}", "{}", path): methods for path, methods in document()["paths"].items()}
    for method, path, _ in CALLED:
        found = paths[re.sub(r"\{\w+\}", "{}", "/api/v1/{tenant}" + path)][method.lower()]
        assert found["responses"], path
        assert found["description"].strip(), path
        assert found["tags"][0][0].isupper(), path


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        (
            "/executions/search",
            "get",
            {"q", "scope", "namespace", "flowId", "startDate", "endDate", "timeRange", "state"},
        ),
        ("/executions/search", "get", {"labels", "triggerExecutionId", "childFilter", "page", "size", "sort"}),
        ("/executions/{namespace}/{flow_id}", "post", {"labels", "wait", "revision", "scheduleDate"}),
        ("/flows/search", "get", {"q", "scope", "namespace", "labels", "page", "size", "sort"}),
        ("/flows/{namespace}/{flow_id}", "get", {"source", "revision", "allowDeleted"}),
        ("/executions/{execution_id}", "delete", {"deleteLogs", "deleteMetrics", "deleteStorage"}),
        ("/logs/search", "get", {"q", "namespace", "flowId", "triggerId", "minLevel", "startDate", "endDate"}),
        ("/metrics/{execution_id}", "get", {"taskRunId", "taskId", "page", "size", "sort"}),
    ],
)
def test_query_values_that_clients_send_are_described(path: str, method: str, expected: set[str]) -> None:
    operation = document()["paths"]["/api/v1/{tenant}" + path][method]
    assert {one["name"] for one in operation["parameters"] if one["in"] == "query"} >= expected
