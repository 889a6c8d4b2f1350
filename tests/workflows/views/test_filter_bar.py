"""The filter bar of lists: page, link, facet and API find the same; suggestions, columns, exports, all that match."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.bookmarks.services import save_search
from apps.common.clock import now
from apps.tenants.models import Tenant
from apps.workflows.execution_store.save import LogRow, insert_logs
from apps.workflows.models import Execution, Flow
from apps.workflows.plugin_api.task import Level
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.support.api_client import ApiClient
from tests.support.pages import Pages, Shown
from tests.workflows.views.conftest import HELLO

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]


@pytest.fixture
def runs(hello: str, hidden: str) -> dict[str, str]:
    """Six executions by name: their states, labels and flows differ."""
    create_flow(acting_user=None, source=HELLO.replace("id: hello", "id: other"))
    made = {}
    for name, namespace, flow_id, state, labels in (
        ("failed-data", "company.team", "hello", "FAILED", [("env", "prod")]),
        ("failed-test", "company.team", "hello", "FAILED", [("env", "test")]),
        ("good", "company.team", "hello", "SUCCESS", []),
        ("other", "company.team", "other", "WARNING", [("env", "prod")]),
        ("running", "company.team", "other", "RUNNING", []),
        ("payroll", "company.payroll", "hidden", "FAILED", []),
    ):
        found = create_execution(acting_user=None, request=StartRequest(namespace, flow_id, labels=labels))
        Execution.objects.filter(pk=found.execution_id).update(state=state)
        made[name] = found.execution_id
    return made


def ids_on(shown: Shown) -> list[str]:
    return re.findall(r'data-row-id="([^"]+)"', shown.html)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("state:FAILED last 2 days", {"failed-data", "failed-test", "payroll"}),
        ("state:FAILED,WARNING -labels[env]:test", {"failed-data", "other", "payroll"}),
        ("labels[env]:prod", {"failed-data", "other"}),
        ("has:labels[env]", {"failed-data", "failed-test", "other"}),
        ("no:labels[env] -state:RUNNING", {"good", "payroll"}),
        ("namespace:company -namespace:company.payroll", {"failed-data", "failed-test", "good", "other", "running"}),
        ("flow!=hello -payroll", {"other", "running"}),
        ("flow^:hel state!=SUCCESS", {"failed-data", "failed-test"}),
        ("team -hello", {"other", "running"}),
        ("before 2020-01-01", set()),
    ],
)
def test_the_page_its_link_and_the_api_find_the_same_rows(
    pages: AsPages, alice: User, runs: dict[str, str], typed: str, expected: set[str]
) -> None:
    alices, api = pages(alice), ApiClient(alice)
    wanted = sorted(runs[name] for name in expected)
    fragment = alices.fragment("/executions", query=typed)
    assert sorted(ids_on(fragment)) == wanted
    link = fragment.response.headers["HX-Push-Url"].removeprefix("/ui/alpha")
    assert "query=" not in link
    moved = alices.get("/executions", query=typed)
    assert (moved.status, moved.location) == (303, "/ui/alpha" + link), (
        "a form without scripts comes to the same address"
    )
    shown = alices.get(link)
    assert sorted(ids_on(shown)) == wanted
    answer = api.get("/executions/search", query=typed, size=50)
    assert sorted(row["id"] for row in answer.json()["results"]) == wanted
    again = alices.get("/executions", query=unescape(re.findall(r'name="query" value="([^"]*)"', shown.html)[0]))
    assert again.location == moved.location, "the text of a view leads to the view"


def test_a_facet_finds_as_many_as_it_says(pages: AsPages, alice: User, runs: dict[str, str]) -> None:
    alices = pages(alice)
    facets = alices.fragment("/executions", namespace="company.team", part="facets")
    links = re.findall(r'data-state="(\w+)" href="([^"]+)"[^>]*>.*?(\d+)</span></a>', facets.html)
    counts = {state: int(count) for state, _, count in links}
    assert (counts["FAILED"], counts["SUCCESS"], counts["WARNING"], counts["KILLED"]) == (2, 1, 1, 0)
    for _, href, count in links:
        shown = alices.get(unescape(href).removeprefix("/ui/alpha"))
        assert len(ids_on(shown)) == int(count)
        pairs = dict(parse_qsl(urlsplit(unescape(href)).query))
        api = ApiClient(alice).get("/executions/search", namespace=pairs["namespace"], state=pairs["state"])
        assert api.json()["total"] == int(count)


def test_older_links_lead_to_the_one_address(pages: AsPages, alice: User, runs: dict[str, str]) -> None:
    alices = pages(alice)
    for old in (
        {"filters[state][IN]": "FAILED", "filters[flowId][EQUALS]": "hello"},
        {"state": "FAILED", "flowId": "hello"},
    ):
        moved = alices.get("/executions", **old)
        assert (moved.status, moved.location) == (303, "/ui/alpha/executions?flow=hello&state=FAILED")


def test_the_api_refuses_what_a_page_leaves_out(pages: AsPages, alice: User, runs: dict[str, str]) -> None:
    shown = pages(alice).get("/executions", query="namspace:x state:FAILED")
    assert "At character 1: There is no key 'namspace' here. Did you mean 'namespace'?" in shown.text
    assert len(ids_on(shown)) == 3
    answer = ApiClient(alice).get("/executions/search", query="namspace:x state:FAILED")
    assert answer.status_code == 400
    assert "At character 1" in answer.json()["message"]


def test_suggestions_are_keys_values_with_counts_sentences_and_saved_searches(
    pages: AsPages, alice: User, bob: User, runs: dict[str, str]
) -> None:
    save_search(acting_user=alice, page="executions", name="Bad ones", query="state=FAILED")

    def offered(who: User, part: str, **more: str) -> Shown:
        return pages(who).fragment("/filter/executions/suggest", part=part, **more)

    assert "Bad ones" in offered(alice, "").text
    assert 'data-option="state:"' in offered(alice, "sta").html
    assert 'data-option="state!="' in offered(alice, "state").html
    assert re.search(r"FAILED\s*3\b", offered(alice, "state:fa").text)
    assert re.search(r"FAILED\s*1\b", offered(alice, "state:fa", query="labels[env]:test").text)
    assert 'data-option="state:FAILED,WARNING"' in offered(alice, "x state:FAILED,wa").html
    assert 'data-option="state:FAILED time:-2d"' in offered(alice, "failed last 2 days").html
    assert "company.payroll" in offered(alice, "namespace:").text
    assert "payroll" not in offered(bob, "namespace:").text
    assert re.search(r"FAILED\s*2\b", offered(bob, "state:fa").text), "counts hold what one may see"
    assert pages(alice).fragment("/filter/nothing/suggest").status == 404


def test_chosen_columns_stay_with_the_person(pages: AsPages, alice: User, bob: User, runs: dict[str, str]) -> None:
    alices = pages(alice)
    fields = {"columns": ["state", "id", "attempt", "nonsense"], "place.id": "1", "place.state": "2", "size": "50"}
    kept = alices.post("/filter/executions/table", **fields, density="compact", back="https://elsewhere.example/")
    assert kept.location == "/ui/alpha/"
    shown = alices.get("/executions")
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([A-Z]\w+)', shown.html)
    assert heads == ["Id", "State", "Attempt"]
    assert 'data-rows="compact"' in shown.html
    assert "Namespace" in pages(bob).get("/executions").text
    alices.post("/filter/executions/table", do="reset")
    alice.refresh_from_db()
    assert "tables" not in alice.preferences


def test_an_export_holds_what_the_filter_finds_and_is_audited(
    pages: AsPages, alice: User, bob: User, runs: dict[str, str]
) -> None:
    def file(who: User, page: str, **query: str) -> str:
        shown = pages(who).get(f"/filter/{page}/export", **query)
        assert "attachment" in shown.response.headers["Content-Disposition"]
        return b"".join(shown.response.streaming_content).decode()

    rows = list(csv.DictReader(io.StringIO(file(alice, "executions", state="FAILED", namespace="company.team"))))
    assert {row["id"] for row in rows} == {runs["failed-data"], runs["failed-test"]}
    entry = AuditEntry.objects.get(type="EXPORT", resource="Executions")
    assert entry.detail == {"format": "csv", "filter": "state:FAILED namespace:company.team"}
    lines = [json.loads(line) for line in file(bob, "executions", format="json").splitlines()]
    assert runs["payroll"] not in {line["id"] for line in lines}
    assert len(lines) == 5
    assert "hello" in file(alice, "flows", flow="hello")
    assert file(alice, "triggers") == ""
    refused = pages(alice).get("/filter/executions/export", namspace="x")
    assert refused.status == 400, "a file that holds more than was asked for would be believed"


def test_all_that_match_are_acted_on_with_the_reasons_of_those_left_out(
    pages: AsPages, alice: User, bob: User, runs: dict[str, str]
) -> None:
    alices = pages(alice)
    question = alices.fragment("/executions/bulk", action="delete", matching="namespace=company.team")
    assert "Delete: 4 executions" in question.text
    assert f"1 execution left out {runs['running'][:8]} execution is RUNNING" in question.text
    done = alices.post("/executions/bulk", action="delete", matching="namespace=company.team&state=FAILED")
    assert done.location == "/ui/alpha/executions"
    left = set(Execution.objects.values_list("pk", flat=True))
    assert left == {runs[name] for name in ("good", "other", "running", "payroll")}
    assert alices.post("/executions/bulk", action="delete", matching="nonsense=1").status == 400
    assert pages(bob).post("/executions/bulk", action="delete", matching="all").status == 403


def test_hidden_labels_show_only_when_they_are_asked_for(pages: AsPages, alice: User, hello: str) -> None:
    create_execution(
        acting_user=None, request=StartRequest("company.team", "hello", labels=[("internal.batch", "b7"), ("a", "b")])
    )
    assert "b7" not in pages(alice).get("/executions").text
    assert "internal.batch: b7" in pages(alice).get("/executions", **{"labels[internal.batch]": "b7"}).text


def test_flows_are_found_by_where_they_stand(pages: AsPages, alice: User, runs: dict[str, str]) -> None:
    Flow.objects.filter(flow_id="other").update(disabled=True)
    alices = pages(alice)
    for typed, found in (
        ("enabled:no", {"other"}),
        ("labels[team]:data flow:hello", {"hello"}),
        ("task~:log.Log", {"hello", "other", "hidden"}),
        ("-task~:log.Log", set()),
        ("trigger~:Schedule", set()),
        ("lastState:RUNNING", {"other"}),
        ("readonly:yes", set()),
    ):
        links = alices.fragment("/flows", query=typed).links()
        shown = {link.rsplit("/", 1)[-1] for link in links if re.fullmatch(r"/ui/alpha/flows/edit/[^/]+/\w+", link)}
        assert shown == found, typed
        rows = ApiClient(alice).get("/flows/search", query=typed).json()["results"]
        assert {row["id"] for row in rows} == found, typed


def test_logs_are_searched_across_executions(
    pages: AsPages, alice: User, bob: User, runs: dict[str, str], in_alpha: Tenant
) -> None:
    refs = dict(Flow.objects.values_list("flow_id", "uid"))

    def write(name: str, flow_id: str, level: Level, message: str) -> None:
        insert_logs(runs[name], refs[flow_id], [LogRow(None, 0, level, now(), message)])

    write("good", "hello", Level.INFO, "connected <to> the store")
    write("failed-data", "hello", Level.ERROR, "connection refused by the store")
    write("payroll", "hidden", Level.ERROR, "salaries refused")
    alices = pages(alice)
    shown = alices.get("/logs")
    assert "salaries refused" in shown.text
    assert "connected &lt;to&gt;" in shown.html
    assert "of the last 24 hours" in shown.text
    assert "salaries" not in pages(bob).get("/logs").text
    for typed, found in (
        ("level:ERROR", {"connection refused by the store", "salaries refused"}),
        ("refused flow:hello", {"connection refused by the store"}),
        ('"the store" -refused', {"connected <to> the store"}),
        ("text=~/^conn.*store$/", {"connected <to> the store", "connection refused by the store"}),
        (f"execution:{runs['payroll']}", {"salaries refused"}),
        ("namespace:company.team level:WARN", {"connection refused by the store"}),
    ):
        page = alices.fragment("/logs", query=typed)
        lines = {
            unescape(re.sub(r"<[^>]+>", "", one)).strip() for one in re.findall(r'class="msg">(.*?)</span>', page.html)
        }
        assert lines == found, typed
        answer = ApiClient(alice).get("/logs/search", query=typed).json()
        assert {line["message"] for line in answer["results"]} == found, typed
    assert "<mark>refused</mark>" in alices.fragment("/logs", query="refused").html
    following = alices.fragment("/logs", tail="1")
    assert 'id="log-newest"' in following.html
    newest = re.findall(r"before=(\d+)", following.html)[0]
    write("good", "hello", Level.WARN, "one more")
    later = alices.fragment("/logs", tail="1", part="lines", before=newest)
    assert "one more" in later.text
    assert "refused" not in later.text
