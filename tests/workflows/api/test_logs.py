"""Logs and metrics over the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.workflows.api import logs as logs_api
from apps.workflows.execution_store.save import LogRow, MetricRow, insert_logs, insert_metrics
from apps.workflows.models import Execution, Flow, LogEntry
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors import log_search
from tests.factories import grant
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.workflows.api.conftest import HELLO, flow_source, started

LOGGING = """id: logging
namespace: company.team
tasks:
  - id: talk
    type: io.kestra.plugin.core.log.Log
    message: ["first line", "second line"]
  - {id: warn, type: io.kestra.plugin.core.log.Log, level: WARN, message: careful}
  - {id: whisper, type: io.kestra.plugin.core.log.Log, level: TRACE, message: psst}
"""


@pytest.fixture
def logged(running: tuple[ApiClient, FlowRunner]) -> tuple[ApiClient, str]:
    """An execution with four lines."""
    client, runner = running
    client.post("/flows", LOGGING)
    return client, started(client, runner, "company.team/logging")


def messages(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return [line["message"] for line in (body if isinstance(body, list) else body["results"])]


def test_lines_of_an_execution_in_order_with_all_their_names(logged: tuple[ApiClient, str]) -> None:
    client, name = logged
    first, *_ = lines = client.get(f"/logs/{name}").json()
    assert [line["message"] for line in lines] == ["first line", "second line", "careful", "psst"]
    assert (first["namespace"], first["flowId"], first["taskId"], first["executionId"]) == (
        "company.team",
        "logging",
        "talk",
        name,
    )
    assert (first["level"], first["attemptNumber"]) == ("INFO", 0)
    assert first["timestamp"].endswith("Z")
    assert len(first["taskRunId"]) == 22


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"minLevel": "WARN"}, ["careful"]),
        ({"minLevel": "info"}, ["first line", "second line", "careful"]),
        ({"taskId": "whisper"}, ["psst"]),
        ({"taskId": "none"}, []),
        ({"attempt": 0, "minLevel": "WARN"}, ["careful"]),
        ({"attempt": 3}, []),
    ],
)
def test_lines_are_filtered(logged: tuple[ApiClient, str], query: dict[str, Any], expected: list[str]) -> None:
    client, name = logged
    assert messages(client.get(f"/logs/{name}", **query)) == expected


def test_lines_of_one_task_run(logged: tuple[ApiClient, str]) -> None:
    client, name = logged
    run = client.get(f"/executions/{name}").json()["taskRunList"][1]["id"]
    assert messages(client.get(f"/logs/{name}", taskRunId=run)) == ["careful"]
    assert client.get(f"/logs/{name}", taskRunId="nonsense").status_code == 404
    assert client.get(f"/logs/{name}", minLevel="LOUD").status_code == 400


def test_long_log_comes_in_parts(logged: tuple[ApiClient, str], monkeypatch: pytest.MonkeyPatch) -> None:
    client, name = logged
    monkeypatch.setattr(logs_api, "PAGE", 3)
    first = client.get(f"/logs/{name}")
    assert messages(first) == ["first line", "second line", "careful"]
    second = client.get(f"/logs/{name}", after=first.headers["X-Next-Line"])
    assert messages(second) == ["psst"]
    assert "X-Next-Line" not in second.headers


def test_lines_are_deleted_with_an_entry_of_who_did_it(logged: tuple[ApiClient, str]) -> None:
    client, name = logged
    assert client.delete(f"/logs/{name}", minLevel="WARN").json() == {"count": 1}
    assert client.delete(f"/logs/{name}", taskId="talk").json() == {"count": 2}
    assert messages(client.get(f"/logs/{name}")) == ["psst"]
    assert AuditEntry.objects.filter(resource="Log", type="DELETE").count() == 2
    assert client.delete("/logs/company.team/logging").json() == {"count": 1}
    assert client.delete("/logs/company.team/nothing").status_code == 404


@pytest.fixture
def archive(as_alice: ApiClient) -> ApiClient:
    """Lines of two flows, an hour apart."""
    as_alice.post("/flows", HELLO)
    as_alice.post("/flows", flow_source("far", "company.other"))
    for number, flow_id in enumerate(("hello", "hello", "far")):
        flow = Flow.objects.get(flow_id=flow_id)
        name = as_alice.post(f"/executions/{flow}".replace(f".{flow_id}", f"/{flow_id}")).json()["id"]
        moment = now() - timedelta(hours=3 - number)
        Execution.objects.filter(pk=name).update(start_date=moment)
        level = (Level.INFO, Level.ERROR, Level.WARN)[number]
        insert_logs(name, flow.uid, [LogRow(None, 0, level, moment, f"line {number} of 100%_{flow_id}")])
    return as_alice


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"sort": "timestamp:asc"}, [0, 1, 2]),
        ({"minLevel": "WARN"}, [2, 1]),
        ({"minLevel": "ERROR"}, [1]),
        ({"namespace": "company.team"}, [1, 0]),
        ({"namespace": "company"}, [2, 1, 0]),
        ({"flowId": "far"}, [2]),
        ({"flowId": "none"}, []),
        ({"q": "LINE hello"}, [1, 0]),
        ({"q": "100%_"}, [2, 1, 0]),
        ({"q": "100%x"}, []),
        ({"timeRange": "PT90M"}, [2]),
        ({"triggerId": "none"}, []),
        ({"filters[namespace][EQUALS]": "company.other"}, [2]),
        ({"filters[minLevel][GREATER_THAN_OR_EQUAL_TO]": "ERROR"}, [1]),
    ],
)
def test_lines_of_all_executions_are_searched(archive: ApiClient, query: dict[str, Any], expected: list[int]) -> None:
    answer = archive.get("/logs/search", size=10, **query)
    assert [int(message.split()[1]) for message in messages(answer)] == expected
    assert answer.json()["total"] == len(expected)


def test_line_range_pages_and_refusals(archive: ApiClient) -> None:
    middle = (now() - timedelta(hours=2, minutes=30)).isoformat()
    assert len(messages(archive.get("/logs/search", startDate=middle))) == 2
    assert len(messages(archive.get("/logs/search", endDate=middle))) == 1
    pages = [archive.get("/logs/search", size=2, page=page) for page in (1, 2)]
    assert [len(messages(page)) for page in pages] == [2, 1]
    assert [page.json()["total"] for page in pages] == [3, 3]
    for bad in ({"minLevel": "LOUD"}, {"startDate": "soon"}, {"timeRange": "x"}, {"filters[q][REGEXP]": "x"}):
        assert archive.get("/logs/search", **bad).status_code == 400, bad
    assert archive.get("/logs/search", executionId="nonsense").status_code == 404
    assert archive.get("/logs/search", size=2000).status_code == 422


def test_search_shows_only_visible_namespaces(archive: ApiClient, as_bob: ApiClient, bob: Any) -> None:
    assert len(messages(as_bob.get("/logs/search"))) == 2
    assert messages(as_bob.get("/logs/search", namespace="company.other")) == []
    assert as_bob.delete("/logs/company.team/hello").status_code == 403
    grant(bob, "EXECUTION:DELETE", namespace="company.team")
    assert as_bob.delete("/logs/company.team/hello").json() == {"count": 2}
    assert as_bob.delete("/logs/company.other/far").status_code == 403
    assert LogEntry.objects.count() == 1


def test_flow_with_many_executions_is_searched_by_its_number(
    archive: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "FLOW_EXECUTIONS", 1)
    assert len(messages(archive.get("/logs/search", flowId="hello"))) == 2


def test_search_takes_as_many_queries_for_many_lines(
    archive: ApiClient, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    few = count_queries(lambda: archive.get("/logs/search", size=3))
    flow, name = Flow.objects.get(flow_id="hello"), Execution.objects.filter(flow_id="hello")[0].pk
    insert_logs(name, flow.uid, [LogRow(None, 0, Level.INFO, now(), f"line {n}") for n in range(50)])
    assert count_queries(lambda: archive.get("/logs/search", size=40)) == few


# Metrics


@pytest.fixture
def measured(running: tuple[ApiClient, FlowRunner]) -> tuple[ApiClient, str, str]:
    """An execution that reported three numbers."""
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    run = client.get(f"/executions/{name}").json()["taskRunList"][0]["id"]
    rows = [
        MetricRow(run, "log", "counter", "rows", 10, {"table": "a"}, now() - timedelta(hours=1)),
        MetricRow(run, "log", "counter", "rows", 5, {}, now()),
        MetricRow(run, "log", "timer", "took", 1500.5, {}, now()),
    ]
    insert_metrics(name, Flow.objects.get().uid, rows)
    return client, name, run


def test_metrics_of_an_execution(measured: tuple[ApiClient, str, str]) -> None:
    client, name, run = measured
    body = client.get(f"/metrics/{name}").json()
    assert body["total"] == 3
    first = body["results"][0]
    assert {key: first[key] for key in ("taskId", "taskRunId", "type", "name", "value", "tags", "flowId")} == {
        "taskId": "log",
        "taskRunId": run,
        "type": "counter",
        "name": "rows",
        "value": 10.0,
        "tags": {"table": "a"},
        "flowId": "hello",
    }
    page = client.get(f"/metrics/{name}", size=1, page=2, sort="value:desc").json()
    assert ([entry["value"] for entry in page["results"]], page["total"]) == ([10.0], 3)
    assert client.get(f"/metrics/{name}", taskRunId=run, taskId="log").json()["total"] == 3
    assert client.get(f"/metrics/{name}", taskId="none").json() == {"results": [], "total": 0}


def test_metrics_of_a_flow_over_time(measured: tuple[ApiClient, str, str]) -> None:
    client, _, _ = measured
    assert client.get("/metrics/names/company.team/hello").json() == ["rows", "took"]
    assert client.get("/metrics/names/company.team/hello/none").json() == []
    assert client.get("/metrics/tasks/company.team/hello").json() == ["log"]
    start = (now() - timedelta(hours=5)).isoformat()
    body = client.get("/metrics/aggregates/company.team/hello/rows", startDate=start, aggregation="sum").json()
    assert body["groupBy"] == "hour"
    assert sum(bucket["value"] for bucket in body["aggregations"]) == 15
    most = client.get("/metrics/aggregates/company.team/hello/log/rows", aggregation="max").json()
    assert (most["groupBy"], max(bucket["value"] for bucket in most["aggregations"])) == ("day", 10)
    assert client.get("/metrics/aggregates/company.team/hello/rows", aggregation="median").status_code == 422
    assert client.get("/metrics/names/company.team/none").status_code == 404
