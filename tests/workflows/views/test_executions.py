"""The list of executions and an execution's page."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.models import Execution
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.views.value_tree import MOST_CHILDREN, value_tree
from tests.factories import grant
from tests.support.flow_runner import FlowRunner
from tests.support.pages import Pages

AsPages = Callable[..., Pages]
LOOP = """\
id: loop
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["red", "blue"]
    tasks:
      - {id: paint, type: io.kestra.plugin.core.debug.Return, format: "painted {{ taskrun.value }}"}
  - id: both
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: tell, type: io.kestra.plugin.core.log.Log, message: "one <b>bold</b> line"}
outputs:
  - {id: result, type: STRING, value: "all done"}
"""
FAILS = """\
id: fails
namespace: company.team
tasks:
  - {id: try_it, type: io.kestra.plugin.core.execution.Fail, errorMessage: the disk is full}
"""


def page_of(execution_id: str, flow_id: str) -> str:
    return f"/executions/company.team/{flow_id}/{execution_id}"


@pytest.mark.django_db
def test_the_list_holds_only_executions_of_readable_namespaces(
    pages: AsPages, alice: User, bob: User, started: str, hidden_started: str
) -> None:
    assert {"/ui/alpha" + started, "/ui/alpha" + hidden_started} <= pages(alice).get("/executions").links()
    shown = pages(bob).get("/executions")
    assert "/ui/alpha" + started in shown.links()
    assert "payroll" not in shown.html
    ids = ",".join(path.rsplit("/", 1)[-1] for path in (started, hidden_started))
    rows = pages(bob).fragment("/executions/rows", ids=ids)
    assert rows.html.count("<tr ") == 1
    assert "payroll" not in rows.html


@pytest.mark.django_db
def test_the_address_narrows_the_list(pages: AsPages, alice: User, started: str, hidden_started: str) -> None:
    alices, mine, other = pages(alice), "/ui/alpha" + started, "/ui/alpha" + hidden_started
    for query in (
        {"q": "team hello"}, {"namespace": "company.team"}, {"flow": "hello"}, {"labels[run]": "one"},
        {"q": started.rsplit("/", 1)[-1]}, {"namespace": "company.team", "state": "CREATED,RUNNING", "time": "-1h"},
    ):  # fmt: skip
        links = alices.get("/executions", **query).links()
        assert mine in links, query
        assert other not in links, query
    nothing = alices.get("/executions", state="FAILED")
    assert "No execution matches" in nothing.text
    assert mine not in nothing.links()


@pytest.mark.django_db
def test_what_means_nothing_in_the_address_is_told_and_ignored(pages: AsPages, alice: User, started: str) -> None:
    shown = pages(alice).get("/executions", state="BOILED", time="soon", page="x", size="7")
    assert shown.status == 200
    assert "'BOILED' is no state" in shown.text
    assert "'soon' is no time" in shown.text
    assert "/ui/alpha" + started in shown.links()


@pytest.mark.django_db
def test_pages_of_25_with_the_filter_kept(pages: AsPages, alice: User, hello: str) -> None:
    for _ in range(30):
        create_execution(acting_user=None, request=StartRequest("company.team", "hello"))
    first = pages(alice).get("/executions", namespace="company.team")
    assert first.html.count("data-row-id=") == 25
    assert "1\u201325 of 30" in first.text
    (older,) = [link for link in first.links() if "after=" in link]
    assert older.startswith("/ui/alpha/executions?after=")
    second = pages(alice).get(older.removeprefix("/ui/alpha"))
    assert second.html.count("data-row-id=") == 5
    (newer,) = [link for link in second.links() if "before=" in link]
    assert pages(alice).get(newer.removeprefix("/ui/alpha")).html.count("data-row-id=") == 25


@pytest.mark.django_db
def test_the_list_asks_the_same_number_of_queries_for_one_execution_and_for_twenty(
    pages: AsPages, alice: User, started: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alices = pages(alice)
    alices.get("/executions")
    with django_assert_max_num_queries(14) as few:
        alices.get("/executions")
    with tenant_scope("alpha"):
        for _ in range(20):
            create_execution(acting_user=None, request=StartRequest("company.team", "hello"))
    with django_assert_max_num_queries(14) as many:
        alices.get("/executions")
    assert len(many) == len(few)


@pytest.mark.django_db
def test_pages_of_executions_that_may_not_be_read_are_as_if_not_there(
    pages: AsPages, alice: User, bob: User, charlie: User, started: str, hidden_started: str
) -> None:
    for path in ("", "/gantt", "/logs", "/outputs", "/logs/download", "/kill", "/delete"):
        assert pages(bob).get(hidden_started + path).status == 404, path
    assert pages(charlie).get(started).status == 404
    moved = started.replace("company.team/hello", "company.team/other")
    assert pages(alice).get(moved).status == 404, "the address must tell the truth"
    assert pages(alice).get("/executions/company.team/hello/no-id").status == 404


@pytest.mark.django_db
def test_the_list_is_closed_to_who_may_not_read_executions(
    pages: AsPages, charlie: User, in_alpha: Tenant, started: str
) -> None:
    grant(charlie, "FLOW:READ", namespace="company.team")
    shown = pages(charlie).get("/executions")
    assert shown.status == 403
    assert "You need EXECUTION READ" in shown.text
    assert "/ui/alpha/executions" not in shown.links(), "the menu does not offer it"
    assert pages(charlie).get("/flows/edit/company.team/hello").status == 200


@pytest.mark.django_db
def test_killing_asks_first_and_is_for_those_who_may(
    pages: AsPages, alice: User, bob: User, started: str, in_alpha: Tenant
) -> None:
    assert "/ui/alpha" + started + "/kill" in pages(alice).get(started).links()
    assert "/ui/alpha" + started + "/kill" not in pages(bob).get(started).links()
    assert pages(bob).post(started + "/kill").status == 403
    assert Execution.objects.get().state == "CREATED"
    assert "Kill execution" in pages(alice).fragment(started + "/kill").text
    assert pages(alice).post(started + "/kill").location == "/ui/alpha" + started
    assert Execution.objects.get().state == "KILLED"
    alices = pages(alice)
    alices.post(started + "/kill")
    assert "already finished" in alices.get(started).text
    assert pages(alice).post(started + "/delete", logs="on").location == "/ui/alpha/executions"
    assert not Execution.objects.exists()


@pytest.mark.django_db
def test_an_open_execution_follows_its_events_and_cannot_be_deleted(pages: AsPages, alice: User, started: str) -> None:
    shown = pages(alice).get(started)
    assert f'data-live="exec:{started.rsplit("/", 1)[-1]}"' in shown.html
    assert "not possible now: kill it first" in shown.text
    assert pages(alice).post(started + "/delete").status == 409
    header = pages(alice).fragment(started, part="header", tab="logs")
    assert header.html.lstrip().startswith('<div class="obj-head"')
    assert "tab=logs" in header.html


def test_an_ended_execution_shows_its_tasks_logs_and_outputs(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(LOOP)
    assert ran.state == "SUCCESS"
    page, alices = page_of(ran.execution_id, "loop"), pages(alice)
    overview = alices.get(page)
    assert "all done" in overview.text
    assert "data-live=" not in overview.html
    gantt = alices.get(page + "/gantt")
    assert "tell" in gantt.text, "a frame that is no loop is open"
    assert "painted" not in gantt.text
    assert "2 success" in gantt.text, "a loop is closed and counted"
    loop = ran.run_of("each")
    opened = alices.fragment(page + "/gantt", open=loop.id)
    assert "red" in opened.text
    assert "Hide task runs" in opened.text
    assert "<html" not in opened.html
    rows = alices.fragment(page + "/gantt", parent=loop.id, depth="1")
    assert "red" in rows.text
    assert "tell" not in rows.text
    logs = alices.get(page + "/logs", level="INFO")
    assert "one <b>bold</b> line" in logs.text
    assert "one &lt;b&gt;bold" in logs.html
    assert "No lines" in alices.get(page + "/logs", level="ERROR").text
    assert alices.get(page + "/logs", level="LOUD").status == 400
    painted = ran.run_of("paint", "blue")
    assert "painted blue" in alices.get(page + "/outputs", run=painted.id).text
    assert "one <b>bold</b> line" in downloaded(alices, page)


def downloaded(alices: Pages, page: str) -> str:
    response = alices.client.get(alices.base + page + "/logs/download")
    assert "attachment" in response.headers["Content-Disposition"]
    return b"".join(response.streaming_content).decode()


def test_a_failure_is_told_on_top_with_the_way_to_its_line(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    ran = flows.run(FAILS)
    shown = pages(alice).get(page_of(ran.execution_id, "fails"))
    assert "try_it failed" in shown.text
    assert "the disk is full" in shown.text
    assert any("/logs?level=&at=" in link and "#L" in link for link in shown.links())


def test_logs_come_in_pages_and_new_lines_alone(flows: FlowRunner, pages: AsPages, alice: User) -> None:
    script = "id: talks\nnamespace: company.team\ntasks:\n"
    script += "".join(f"  - {{id: t{n}, type: io.kestra.plugin.core.log.Log, message: 'line {n}'}}\n" for n in range(3))
    ran = flows.run(script)
    page, alices = page_of(ran.execution_id, "talks"), pages(alice)
    shown = alices.get(page + "/logs")
    first = int(shown.html.split('id="L')[1].split('"')[0])
    rest = alices.fragment(page + "/logs", part="lines", after=str(first))
    assert "line 0" not in rest.text
    assert "line 2" in rest.text
    assert rest.html.lstrip().startswith("<li")


def test_a_value_tree_is_bounded_and_hides_secrets() -> None:
    shown = value_tree({"list": list(range(500)), "long": "x" * 9_000, "null": None, "deep": {"a": {"b": 1}}})
    wide, long, null, deep = shown
    assert len(wide.children) == MOST_CHILDREN + 1
    assert wide.children[-1].text.startswith("400 more")
    assert (len(long.text), long.shortened, long.size) == (2_000, True, 9_000)
    assert null.kind == "null"
    assert deep.children[0].children[0].text == "1"
    (secret,) = value_tree({"token": {"type": "io.kestra.datatype:aes_encrypted", "value": "abc"}})
    assert (secret.kind, "abc" in secret.text) == ("secret", False)
    nested: dict[str, object] = {}
    for _ in range(50):
        nested = {"k": nested}
    assert value_tree(nested), "depth has an end"


@pytest.mark.django_db
def test_labels_in_rows_lead_to_the_filter(pages: AsPages, alice: User, started: str) -> None:
    assert "?labels[run]=one" in pages(alice).get("/executions").html
