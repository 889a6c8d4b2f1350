"""Search: what is found, by whom, at what cost; and the same without scripts."""

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.console.views.search import MOST, find_everything
from apps.tenants.models import Tenant
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.factories import grant, make_user
from tests.support.pages import Pages

FLOW = """\
id: {id}
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: Hello}}
triggers:
  - {{id: nightly_{id}, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 3 * * *"}}
"""


def make_flow(flow_id: str, namespace: str = "company.team") -> None:
    create_flow(acting_user=None, source=FLOW.format(id=flow_id, namespace=namespace))


def found(user: User, query: str) -> dict[str, list[str]]:
    return {group.title: [hit.title for hit in group.hits] for group in find_everything(user, query)}


@pytest.mark.django_db
def test_a_flow_is_found_by_words_in_any_order_and_by_its_initials(alice: User, in_alpha: Tenant) -> None:
    make_flow("build_request_temp")
    make_flow("other")
    for query in ("request build", "BUI req", "brt", "team temp"):
        assert found(alice, query)["Flows"] == ["build_request_temp"]
    assert found(alice, "execute temp")["Actions"] == ["Execute build_request_temp"]
    assert found(alice, "nightly temp")["Triggers"] == ["nightly_build_request_temp"]


@pytest.mark.django_db
def test_only_what_the_person_may_open_is_found(alice: User, bob: User, in_alpha: Tenant) -> None:
    make_flow("payroll_run", "company.payroll")
    make_flow("team_run", "company.team")
    execution_id = create_execution(
        acting_user=None, request=StartRequest("company.payroll", "payroll_run")
    ).execution_id
    assert found(alice, "run")["Flows"] == ["team_run", "payroll_run"]
    assert found(alice, execution_id[:8])["Executions"] == [execution_id]
    assert found(alice, "company")["Namespaces"] == ["company.payroll", "company.team"]
    assert found(bob, "run")["Flows"] == ["team_run"]
    assert "Executions" not in found(bob, execution_id[:8])
    assert found(bob, "company")["Namespaces"] == ["company.team"]
    assert "Execute team_run" not in found(bob, "run").get("Actions", []), "a viewer starts nothing"
    assert "People" in found(alice, "bob")
    assert "People" not in found(bob, "alice")


@pytest.mark.django_db
def test_people_of_other_tenants_are_not_found(alice: User, in_alpha: Tenant) -> None:
    assert "People" not in found(alice, "charlie")
    grant(make_user("dora@example.com", first_name="Dora"), "FLOW:READ", namespace="company.team")
    assert found(alice, "@dora")["People"] == ["Dora"]


@pytest.mark.django_db
def test_a_search_costs_one_query_per_source_however_much_there_is(
    alice: User, in_alpha: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(MOST + 4):
        make_flow(f"many_{number}")
    find_everything(alice, "many")
    with django_assert_max_num_queries(11):
        groups = find_everything(alice, "many")
    assert all(len(group.hits) <= MOST for group in groups)
    assert len(next(group for group in groups if group.title == "Flows").hits) == MOST


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "title", "hit"),
    [
        ("dark", "Actions", "Dark theme"),
        ("http request", "Plugins", "Request"),
        ("?worker groups", "Documentation", "Worker groups"),
        (">create", "Actions", "Create a flow"),
        ("tokens", "Pages", "API tokens"),
    ],
)
def test_actions_plugins_documentation_and_pages_are_found(
    query: str, title: str, hit: str, alice: User, in_alpha: Tenant
) -> None:
    assert hit in found(alice, query)[title]


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["%", "_____", "'", "\\", "0" * 22, "z" * 22, "<b>", "x" * 5000, "\x00"])
def test_no_text_breaks_the_search(query: str, alice: User) -> None:
    shown = Pages(alice).get("/search", q=query)
    assert shown.status == 200
    assert "<b>" not in shown.html


@pytest.mark.django_db
def test_the_page_works_without_scripts_and_the_palette_gets_its_list_alone(alice: User, in_alpha: Tenant) -> None:
    make_flow("hello")
    shown = Pages(alice).get("/search", q="hello")
    assert "/ui/alpha/flows/edit/company.team/hello" in shown.links()
    part = Pages(alice).fragment("/search", q="hello")
    assert "<html" not in part.html
    assert "hello" in part.text
    theme = Pages(alice).get("/search", q="dark theme")
    assert 'name="theme" value="dark"' in theme.html
