"""An execution with very many task runs is read in parts, each as cheap as the next."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.common.ids import to_uuid
from apps.workflows.selectors import task_runs
from tests.support.api_client import ApiClient
from tests.support.pages import Pages
from tests.workflows.api.conftest import flow_source

MANY = 5_000
"""Task runs below one loop, as a ForEach leaves them."""
_INSERT = """
INSERT INTO task_run (id, execution_id, task_id, state, histories, attempts, outputs, value, parent_id, ancestors,
  branch, lane, idx, loop_key, pending)
SELECT gen_random_uuid(), %(execution)s, 'log', 'SUCCESS', %(histories)s, jsonb_build_array(jsonb_build_object(
  'histories', %(histories)s::jsonb)), jsonb_build_object('value', n), n::text, NULL, '{}', 'm', n, 0, '', false
FROM generate_series(1, %(many)s) AS n
"""
HISTORIES = """[{"state": "CREATED", "date": "2026-01-01T00:00:00.000000Z"},
 {"state": "RUNNING", "date": "2026-01-01T00:00:00.100000Z"},
 {"state": "SUCCESS", "date": "2026-01-01T00:00:00.200000Z"}]"""


@pytest.fixture
def large(as_alice: ApiClient) -> str:
    """An execution with thousands of task runs."""
    as_alice.post("/flows", flow_source("large"))
    execution_id = str(as_alice.post("/executions/company.team/large").json()["id"])
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, {"execution": to_uuid(execution_id), "histories": HISTORIES, "many": MANY})
        cursor.execute("ANALYZE task_run")
    return execution_id


@contextmanager
def task_run_rows_read() -> Iterator[list[int]]:
    """How many rows of task_run the statements inside fetch, by PostgreSQL's own count."""
    read: list[int] = []
    before = _rows_read()
    yield read
    read.append(_rows_read() - before)


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            " WHERE relid = 'task_run'::regclass"
        )
        (count,) = cursor.fetchone()
    return int(count)


def test_reading_it_costs_no_more_queries_and_a_bounded_number_of_rows(
    as_alice: ApiClient, large: str, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    small = as_alice.post("/executions/company.team/large").json()["id"]
    few = count_queries(lambda: as_alice.get(f"/executions/{small}"))
    with task_run_rows_read() as read:
        many = count_queries(lambda: as_alice.get(f"/executions/{large}"))
    assert many == few
    assert 0 < read[0] <= task_runs.PAGE + 1


def test_all_task_runs_are_seen_once_by_following_the_header(as_alice: ApiClient, large: str) -> None:
    values: list[str] = []
    parts, following = 0, None
    while True:
        with task_run_rows_read() as read:
            answer = as_alice.get(f"/executions/{large}", **({"taskRunsAfter": following} if following else {}))
        assert read[0] <= task_runs.PAGE + 2, "where a part begins makes no difference"
        values += [run["value"] for run in answer.json()["taskRunList"]]
        parts += 1
        following = answer.headers.get("X-Next-Task-Run")
        if following is None:
            break
    assert parts == -(-MANY // task_runs.PAGE)
    assert values == [str(number) for number in range(1, MANY + 1)]


def test_large_outputs_make_a_part_shorter(as_alice: ApiClient, large: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_size(outputs) FROM task_run WHERE value = '1'")
        (size,) = cursor.fetchone()
    monkeypatch.setattr(task_runs, "MOST_BYTES", size * 10)
    first = as_alice.get(f"/executions/{large}")
    count = len(first.json()["taskRunList"])
    assert 5 <= count <= 15
    second = as_alice.get(f"/executions/{large}", taskRunsAfter=first.headers["X-Next-Task-Run"])
    assert second.json()["taskRunList"][0]["value"] == str(count + 1)
    monkeypatch.setattr(task_runs, "MOST_BYTES", 0)
    single = as_alice.get(f"/executions/{large}")
    assert len(single.json()["taskRunList"]) == 1, "one is always answered, or nobody would come further"


def test_its_pages_read_a_window(alice: User, large: str) -> None:
    pages = Pages(alice)
    for tab in ("", "/gantt", "/outputs", "/logs"):
        with task_run_rows_read() as read:
            answer = pages.get(f"/executions/company.team/large/{large}{tab}")
        assert answer.status == 200, tab
        assert read[0] <= 500, f"{tab or 'overview'} read {read[0]} task runs of {MANY}"
