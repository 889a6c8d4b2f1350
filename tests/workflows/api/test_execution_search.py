"""Searching executions: each filter, pages and totals, what a person may see, and that indexes are what is read."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.workflows.execution_store.create import NewExecution, insert_execution
from apps.workflows.models import Flow
from apps.workflows.selectors import execution_search
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import After, ExecutionFilter, search_executions
from apps.workflows.selectors.limits import TookTooLong, time_limit
from tests.support.api_client import ApiClient
from tests.workflows.api.conftest import explain, flow_source

FLOWS = (
    ("company.team", "hello"),
    ("company.team.sub", "build_report"),
    ("company.other", "far"),
    ("system", "watch"),
)
BEGIN = datetime.fromisoformat("2026-01-10T00:00:00+00:00")


def make(
    flow_id: str,
    *,
    state: str = "SUCCESS",
    at: datetime = BEGIN,
    labels: list[tuple[str, str]] | None = None,
    parent: str | None = None,
    minutes: int = 1,
    trigger: dict[str, Any] | None = None,
) -> str:
    """A row as the store writes it, ended in a state."""
    flow = Flow.objects.get(flow_id=flow_id)
    name = new_id(at)
    if parent is not None:
        trigger = {"id": "sub", "type": "io.kestra.plugin.core.flow.Subflow", "variables": {"executionId": parent}}
    insert_execution(
        "alpha",
        NewExecution(
            name, flow.namespace, flow.flow_id, 1, flow.uid, labels=labels or [], trigger=trigger, original_id=name
        ),
        at,
    )
    end = at + timedelta(minutes=minutes)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE execution SET state = %s, end_date = %s, duration_ms = %s WHERE id = %s",
            [state, end, minutes * 60_000, to_uuid(name)],
        )
    return name


@pytest.fixture
def history(as_alice: ApiClient) -> dict[str, str]:
    """Names of executions; each hour one, from BEGIN on."""
    for namespace, flow_id in FLOWS:
        assert as_alice.post("/flows", flow_source(flow_id, namespace)).status_code == 200
    hours = [BEGIN + timedelta(hours=hour) for hour in range(8)]
    made = {
        "first": make("hello", at=hours[0], labels=[("env", "prod"), ("team", "a")], minutes=9),
        "failed": make("hello", at=hours[1], state="FAILED", labels=[("env", "prod"), ("team", "b")], minutes=3),
        "running": make("hello", at=hours[2], state="RUNNING"),
        "report": make("build_report", at=hours[3], labels=[("env", "test")], minutes=5),
        "far": make("far", at=hours[4], state="WARNING"),
        "watch": make("watch", at=hours[5], trigger={"id": "each-hour", "type": "Schedule"}),
    }
    made["child"] = make("far", at=hours[6], parent=made["first"])
    return made


def found(history: dict[str, str], answer: Any) -> list[str]:
    """The names of what was found, in its order."""
    assert answer.status_code == 200, answer.content
    names = {value: key for key, value in history.items()}
    return [names[one["id"]] for one in answer.json()["results"]]


ALL = ["child", "watch", "far", "report", "running", "failed", "first"]


def test_newest_come_first_without_task_runs(as_alice: ApiClient, history: dict[str, str]) -> None:
    answer = as_alice.get("/executions/search", size=50)
    assert found(history, answer) == ALL
    assert answer.json()["total"] == 7
    assert "taskRunList" not in answer.json()["results"][0]
    assert "X-Total-Exact" not in answer.headers


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"namespace": "company.team"}, ["report", "running", "failed", "first"]),
        ({"namespace": "company.tea"}, []),
        ({"namespace": "company.team", "flowId": "hello"}, ["running", "failed", "first"]),
        ({"flowId": "nothing"}, []),
        ({"state": "FAILED"}, ["failed"]),
        ({"state": ["FAILED", "WARNING"]}, ["far", "failed"]),
        ({"state": "failed,running"}, ["running", "failed"]),
        ({"state": "SUBMITTED"}, []),
        ({"state": ["SUCCESS", "FAILED"], "namespace": "company.team"}, ["report", "failed", "first"]),
        ({"labels": "env:prod"}, ["failed", "first"]),
        ({"labels": ["env:prod", "team:b"]}, ["failed"]),
        ({"labels": "env:prod", "state": "FAILED"}, ["failed"]),
        ({"labels": "env:prod", "state": "SUCCESS"}, ["first"]),
        ({"labels": "env:prod", "namespace": "company.other"}, []),
        ({"labels": "env:none"}, []),
        ({"q": "company rep"}, ["report"]),
        ({"q": "br"}, ["report"]),
        ({"scope": "SYSTEM"}, ["watch"]),
        ({"scope": "USER"}, [name for name in ALL if name != "watch"]),
        ({"scope": ["USER", "SYSTEM"]}, ALL),
        ({"startDate": "2026-01-10T04:00:00Z"}, ["child", "watch", "far"]),
        ({"endDate": "2026-01-10T01:00:00Z"}, ["failed", "first"]),
        ({"startDate": "2026-01-10T02:00:00+01:00", "endDate": "2026-01-10T03:00:00"}, ["report", "running", "failed"]),
        ({"childFilter": "CHILD"}, ["child"]),
        ({"childFilter": "MAIN", "namespace": "company.other"}, ["far"]),
        ({"filters[state][NOT_IN]": "SUCCESS,RUNNING"}, ["far", "failed"]),
        ({"filters[state][EQUALS]": "RUNNING"}, ["running"]),
        ({"filters[namespace][CONTAINS]": "other"}, ["child", "far"]),
        ({"filters[flowId][NOT_EQUALS]": "hello", "filters[namespace][PREFIX]": "company.team"}, ["report"]),
        ({"filters[labels][EQUALS][env]": "test"}, ["report"]),
        ({"filters[labels][NOT_EQUALS][env]": "prod", "flowId": "hello"}, ["running"]),
        ({"filters[labels][IN][env]": "prod,test"}, ["report", "failed", "first"]),
        ({"filters[triggerId][EQUALS]": "each-hour"}, ["watch"]),
        ({"filters[startDate][GREATER_THAN]": "2026-01-10T05:00:00Z"}, ["child"]),
        ({"filters[kind][EQUALS]": "NORMAL", "flowId": "watch"}, ["watch"]),
        ({"filters[kind][EQUALS]": "TEST"}, []),
    ],
)
def test_filters(as_alice: ApiClient, history: dict[str, str], query: dict[str, Any], expected: list[str]) -> None:
    answer = as_alice.get("/executions/search", size=50, **query)
    assert found(history, answer) == expected
    assert answer.json()["total"] == len(expected)


def test_what_an_execution_started_is_found_by_it(as_alice: ApiClient, history: dict[str, str]) -> None:
    assert found(history, as_alice.get("/executions/search", triggerExecutionId=history["first"])) == ["child"]
    assert found(history, as_alice.get("/executions/search", triggerExecutionId=history["far"])) == []


def test_id_and_its_beginning_are_found_by_text(as_alice: ApiClient, history: dict[str, str]) -> None:
    assert found(history, as_alice.get("/executions/search", q=history["failed"])) == ["failed"]
    assert found(history, as_alice.get("/executions/search", q=history["failed"][:17])) == ["failed"]
    assert found(history, as_alice.get("/executions/search", q="z" * 22)) == []
    assert found(history, as_alice.get("/executions/search", **{"filters[executionId][EQUALS]": history["far"]})) == [
        "far"
    ]


def test_time_range_counts_back_from_now(as_alice: ApiClient, history: dict[str, str]) -> None:
    recent = make("hello", at=now() - timedelta(hours=1))
    answer = as_alice.get("/executions/search", timeRange="PT2H")
    assert [one["id"] for one in answer.json()["results"]] == [recent]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "NOTHING"},
        {"startDate": "soon"},
        {"timeRange": "long"},
        {"timeRange": "PT1H", "startDate": "2026-01-10T00:00:00Z"},
        {"childFilter": "UNCLE"},
        {"labels": "x"},
        {"filters[or][0][state][EQUALS]": "FAILED"},
        {"filters[state][REGEX]": "F.*"},
        {"filters[unknown][EQUALS]": "x"},
    ],
)
def test_filter_that_cannot_be_read_is_told(as_alice: ApiClient, history: dict[str, str], query: Any) -> None:
    answer = as_alice.get("/executions/search", **query)
    assert answer.status_code == 400, answer.content
    assert answer.json()["message"].startswith("Bad Request: ")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("state.startDate:asc", list(reversed(ALL))),
        ("state.startDate:desc", ALL),
        ("state.duration:desc", ["first", "report", "failed"]),
        ("namespace:desc", ["watch", "report"]),
        ("id:desc", ALL),
        ("state.endDate:asc", ["first", "failed"]),
    ],
)
def test_sorting(as_alice: ApiClient, history: dict[str, str], sort: str, expected: list[str]) -> None:
    assert found(history, as_alice.get("/executions/search", size=50, sort=sort))[: len(expected)] == expected


def test_what_no_index_has_is_sorted_only_in_a_small_result(
    as_alice: ApiClient, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_search, "SORT_WINDOW", 3)
    assert as_alice.get("/executions/search", sort="namespace:asc").status_code == 422
    assert as_alice.get("/executions/search", sort="namespace:asc", flowId="hello").status_code == 200
    assert as_alice.get("/executions/search", sort="state.duration:asc").status_code == 200


def test_pages_meet_without_gap_or_overlap(as_alice: ApiClient, history: dict[str, str]) -> None:
    pages = [as_alice.get("/executions/search", size=3, page=page) for page in (1, 2, 3, 4)]
    assert [name for page in pages for name in found(history, page)] == ALL
    assert [page.json()["total"] for page in pages] == [7, 7, 7, 7]
    assert as_alice.get("/executions/search", size=1000, page=1002).status_code == 422, "offset above a million"


def test_cursor_goes_on_where_the_page_ended(history: dict[str, str]) -> None:
    wanted = ExecutionFilter()
    first = search_executions(wanted, size=4)
    last = first.rows[-1]
    second = search_executions(wanted, size=4, after=After(last.start_date, last.id))
    assert [row.id for row in (*first.rows, *second.rows)] == [history[name] for name in ALL]
    assert (first.has_next, second.has_next) == (True, False)


def test_client_that_pages_to_the_end_sees_each_once_while_rows_are_added(
    as_alice: ApiClient, history: dict[str, str]
) -> None:
    seen, after = [], None
    for number in range(10):
        make("hello", at=now() + timedelta(seconds=number))
        page = search_executions(ExecutionFilter(), size=2, after=after, with_total=False)
        seen += [row.id for row in page.rows]
        if not page.has_next:
            break
        after = After(page.rows[-1].start_date, page.rows[-1].id)
    assert len(seen) == len(set(seen))
    assert set(seen) >= set(history.values())


def test_total_that_takes_too_long_is_an_estimate_that_never_stops_a_client_early(
    as_alice: ApiClient, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = execution_search.time_limit

    def impatient(milliseconds: int) -> Any:
        if milliseconds == execution_search.COUNT_MILLISECONDS:
            raise TookTooLong
        return limit(milliseconds)

    monkeypatch.setattr(execution_search, "time_limit", impatient)
    answer = as_alice.get("/executions/search", size=3, page=2)
    assert answer.headers["X-Total-Exact"] == "false"
    assert answer.json()["total"] >= 7


def test_slow_search_says_what_to_do(history: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_search, "LIST_MILLISECONDS", 1)
    slow = ExecutionFilter(rows=Conditions(["(SELECT pg_sleep(0.2)) IS NOT NULL"]))
    with pytest.raises(Exception, match="narrow it by startDate"):
        search_executions(slow, size=5)
    assert search_executions(ExecutionFilter(), size=5, with_total=False) is not None, "the transaction goes on"


def test_time_limit_ends_a_statement_and_nothing_after_it(in_alpha: object) -> None:
    with pytest.raises(TookTooLong), time_limit(10), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(2)")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05), current_setting('statement_timeout')")
        assert cursor.fetchone()[1] == "0"


def test_person_sees_the_executions_of_his_namespaces(
    as_alice: ApiClient, as_bob: ApiClient, history: dict[str, str]
) -> None:
    assert found(history, as_bob.get("/executions/search", size=50)) == ["report", "running", "failed", "first"]
    assert found(history, as_bob.get("/executions/search", namespace="company.other")) == []
    assert found(history, as_bob.get("/executions/search", q=history["far"])) == []
    assert found(history, as_bob.get("/executions/search", triggerExecutionId=history["first"])) == []


def test_executions_of_one_flow_by_the_older_address(as_alice: ApiClient, history: dict[str, str]) -> None:
    answer = as_alice.get("/executions", namespace="company.team", flowId="hello")
    assert found(history, answer) == ["running", "failed", "first"]
    assert as_alice.get("/executions", namespace="company.team").status_code == 400


def test_number_of_queries_does_not_grow_with_the_executions(
    as_alice: ApiClient, history: dict[str, str], count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    few = count_queries(lambda: as_alice.get("/executions/search", size=3, namespace="company"))
    for number in range(20):
        make("hello", at=BEGIN + timedelta(minutes=number))
    assert count_queries(lambda: as_alice.get("/executions/search", size=20, namespace="company")) == few


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (ExecutionFilter(), "x_time"),
        (ExecutionFilter(states=["FAILED", "KILLED"]), "x_state"),
        (ExecutionFilter(flow_refs=[1]), "x_flow"),
        (ExecutionFilter(flow_refs=[1], states=["SUCCESS"]), "x_flow"),
        (ExecutionFilter(start=BEGIN, end=BEGIN + timedelta(minutes=1)), "x_time"),
        (ExecutionFilter(terms=[5]), "execution_label_term"),
    ],
)
def test_ids_are_found_by_an_index_alone(history: dict[str, str], wanted: ExecutionFilter, index: str) -> None:
    """The first phase at a size at which the planner chooses as it does in earnest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO execution (id, namespace, flow_id, flow_revision, flow_ref, state, histories, labels, pending,"
            " paused, hold, slot, told, attempt_number, start_date, duration_ms)"
            " SELECT gen_random_uuid(), 'company.team', 'hello', 1, n %% 200, CASE WHEN n %% 250 = 0 THEN 'FAILED' ELSE"
            " 'SUCCESS' END, '[]', '[]', false, 0, false, false, false, 1, %s::timestamptz + n * interval '1 minute', 9"
            " FROM generate_series(1, 20000) AS n",
            [BEGIN],
        )
        cursor.execute(
            "INSERT INTO execution_label (term, start_date, execution_id, flow_ref)"
            " SELECT hashtext(id::text) % 20, start_date, id, flow_ref FROM execution"
        )
        cursor.execute("ANALYZE execution")
        cursor.execute("ANALYZE execution_label")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    scan = execution_search.scan_of(wanted)
    plan = explain(
        f"SELECT {scan.id}, {scan.start} {scan.sql} ORDER BY {scan.start} DESC, {scan.id} DESC LIMIT 51",
        scan.conditions.values,
    )
    assert re.search(rf"Index Only Scan (Backward )?using {index} ", plan), plan
