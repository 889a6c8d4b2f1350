"""The tabs of an execution: its log in pages, files of its outputs, expressions, metrics, its family; at any size."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.storage.internal_storage import execution_address, open_storage
from tests.support.pages import Pages

LINES = 1_200


def id_of(page: str) -> str:
    return page.rsplit("/", 1)[-1]


def file_page(page: str, address: str) -> str:
    return f"{page}/outputs/file?{urlencode({'path': address})}"


def write_lines(execution_id: str, count: int, message: str = "line ") -> int:
    """Number of the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO log (execution_id, flow_ref, ts, level, message)"
            " SELECT e.id, e.flow_ref, now(), 3, %s || n FROM execution e, generate_series(1, %s) AS n WHERE e.id = %s"
            " RETURNING id",
            [message, count, to_uuid(execution_id)],
        )
        return int(cursor.fetchone()[0])


def add_run(execution_id: str, task_id: str, outputs: str) -> str:
    run_id = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO task_run (id, execution_id, task_id, state, histories, outputs, ancestors, branch, lane, idx,"
            " loop_key, pending)"
            " VALUES (%s, %s, %s, 'SUCCESS', %s, %s, '{}', 'm', 0,"
            " (SELECT count(*) FROM task_run WHERE execution_id = %s), '', false)",
            [to_uuid(run_id), to_uuid(execution_id), task_id,
             f'[{{"state": "CREATED", "date": "{now().isoformat()}"}}]', outputs, to_uuid(execution_id)],
        )  # fmt: skip
    return run_id


@pytest.mark.django_db
def test_a_log_opens_at_its_end_while_it_runs_and_leads_back(
    pages: Callable[..., Pages], alice: User, started: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    first = write_lines(id_of(started), LINES)
    alices = pages(alice)
    alices.get(f"{started}/logs")
    with django_assert_max_num_queries(22):
        shown = alices.get(f"{started}/logs")
    assert shown.html.count("<li data-level") == 500
    assert f'id="L{first + LINES - 1}"' in shown.html
    assert f'data-live-line="{first + LINES - 1}"' in shown.html
    assert "Earlier lines" in shown.text
    assert "Later lines" not in shown.text
    earlier = alices.fragment(f"{started}/logs", part="lines", before=first + 300)
    assert earlier.html.count("<li data-level") == 300
    assert "Earlier lines" not in earlier.text
    assert "Later lines" not in earlier.text, "the page has what follows"
    target = alices.get(f"{started}/logs", at=first + 600)
    assert f'id="L{first + 600}"' in target.html
    assert "Earlier lines" in target.text
    assert "Later lines" in target.text


@pytest.mark.django_db
def test_lines_are_found_by_their_text_counted_and_downloaded(
    pages: Callable[..., Pages], alice: User, started: str
) -> None:
    write_lines(id_of(started), 20)
    write_lines(id_of(started), 2, "50% of <b>Orders</b> ")
    shown = pages(alice).get(f"{started}/logs", q="50% OF <B>")
    assert shown.html.count("<li data-level") == 2
    assert "<mark>50% of &lt;b&gt;</mark>" in shown.html
    assert "All 2" in shown.text
    assert "No line meets the filter" in pages(alice).get(f"{started}/logs", q="nowhere").text
    assert pages(alice).get(f"{started}/logs", task="other").html.count("<li data-level") == 0


@pytest.mark.django_db
def test_a_file_is_looked_into_as_its_kind_and_only_where_it_belongs(
    pages: Callable[..., Pages], alice: User, bob: User, started: str, hidden_started: str
) -> None:
    base = execution_address("company.team", "hello", id_of(started))
    storage = open_storage()
    storage.put(f"{base}/rows.jsonl", b'{"name": "Ada", "age": 36}\n{"name": "<Bob>"}\n')
    storage.put(f"{base}/notes.md", b"# Title\n<script>alert(1)</script>")
    alices = pages(alice)
    rows = alices.fragment(file_page(started, f"{base}/rows.jsonl"))
    assert '<th scope="col">age</th>' in rows.html
    assert "&lt;Bob&gt;" in rows.html
    assert "<script>" not in alices.fragment(file_page(started, f"{base}/notes.md")).html
    elsewhere = execution_address("company.payroll", "hidden", id_of(hidden_started)) + "/rows.jsonl"
    for address in (elsewhere, f"{base}/../../x", "kestra:///x", ""):
        assert alices.get(file_page(started, address)).status == 404, address
    assert pages(bob).get(file_page(hidden_started, elsewhere)).status == 404
    run_id = add_run(id_of(started), "say", f'{{"uri": "{base}/rows.jsonl"}}')
    outputs = alices.get(f"{started}/outputs", run=run_id)
    assert any(link.startswith(f"/ui/alpha{file_page(started, base)}") for link in outputs.links())


@pytest.mark.django_db
def test_an_expression_is_tried_with_what_a_task_run_knew(
    pages: Callable[..., Pages], alice: User, bob: User, started: str
) -> None:
    run_id = add_run(id_of(started), "say", "{}")
    alices = pages(alice)
    shown = alices.post(f"{started}/outputs/evaluate", htmx=True, run=run_id, expression="{{ flow.id | upper }}")
    assert "HELLO" in shown.text
    wrong = alices.post(f"{started}/outputs/evaluate", run=run_id, expression="{{ nothing.here }}")
    assert wrong.status == 200
    assert "It cannot be evaluated" in wrong.text
    assert pages(bob).post(f"{started}/outputs/evaluate", expression="{{ flow.id }}").status == 403


@pytest.mark.django_db
def test_metrics_are_drawn_and_listed(pages: Callable[..., Pages], alice: User, started: str) -> None:
    assert "No task of this execution" in pages(alice).get(f"{started}/metrics").text or "Numbers show here" in (
        pages(alice).get(f"{started}/metrics").text
    )
    with connection.cursor() as cursor:
        for value in (1, 3):
            cursor.execute(
                "INSERT INTO metric (execution_id, task_run_id, flow_ref, task_id, kind, name, value, tags, ts)"
                " SELECT id, id, flow_ref, 'load', 'counter', 'rows', %s, '{\"table\": \"orders\"}', now()"
                " FROM execution WHERE id = %s",
                [value, to_uuid(id_of(started))],
            )
    shown = pages(alice).get(f"{started}/metrics")
    assert "rows of load: 2 values, 4.0 in all" in shown.html
    assert "table: orders" in shown.text


@pytest.mark.django_db
def test_executions_of_one_cause_are_shown_and_hidden_ones_only_counted(
    pages: Callable[..., Pages], alice: User, bob: User, started: str, hidden_started: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE execution SET correlation = %s, trigger = %s WHERE id = %s",
            [id_of(started), f'{{"variables": {{"executionId": "{id_of(started)}"}}}}', to_uuid(id_of(hidden_started))],
        )
    family = pages(alice).get(f"{started}/dependencies")
    assert family.html.count('class="gantt-row"') == 2
    assert 'style="--d:1"' in family.html, "it lies below what started it"
    bobs = pages(bob).get(f"{started}/dependencies")
    assert bobs.html.count('class="gantt-row"') == 1
    assert "1 in namespaces you may not read" in bobs.text
    assert "hidden" not in bobs.text


@pytest.mark.django_db
@pytest.mark.parametrize("tab", ["", "/gantt", "/outputs", "/metrics", "/dependencies"])
def test_a_page_costs_the_same_whatever_the_size(
    tab: str, pages: Callable[..., Pages], alice: User, started: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    for _ in range(30):
        add_run(id_of(started), "say", '{"value": 1}')
    write_lines(id_of(started), LINES)
    alices = pages(alice)
    alices.get(started + tab)
    with django_assert_max_num_queries(26):
        shown = alices.get(started + tab)
    assert shown.status == 200
