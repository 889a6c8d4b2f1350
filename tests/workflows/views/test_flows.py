"""The list of flows and a flow's page."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.models import Flow
from apps.workflows.services.flows import create_flow, update_flow
from tests.factories import grant
from tests.support.pages import Pages
from tests.workflows.views.conftest import HELLO

pytestmark = pytest.mark.django_db
AsPages = Callable[..., Pages]


def test_an_empty_tenant_offers_to_create_a_flow_to_those_who_may(pages: AsPages, alice: User, bob: User) -> None:
    assert "No flows yet" in pages(alice).get("/flows").text
    assert "/ui/alpha/flows/new" in pages(alice).get("/flows").links()
    assert "/ui/alpha/flows/new" not in pages(bob).get("/flows").links()


def test_the_list_holds_only_flows_of_readable_namespaces(
    pages: AsPages, alice: User, bob: User, hello: str, hidden: str
) -> None:
    assert {"/ui/alpha" + hello, "/ui/alpha" + hidden} <= pages(alice).get("/flows").links()
    shown = pages(bob).get("/flows")
    assert "/ui/alpha" + hello in shown.links()
    assert "payroll" not in shown.html
    assert "Some namespaces are hidden from you" in shown.text


def test_words_namespace_and_last_state_narrow_the_list(
    pages: AsPages, alice: User, hello: str, hidden: str, started: str
) -> None:
    alices = pages(alice)
    assert "/ui/alpha" + hidden not in alices.get("/flows", q="team hel").links()
    assert "/ui/alpha" + hello in alices.get("/flows", q="team hel").links()
    assert "/ui/alpha" + hello not in alices.get("/flows", namespace="company.payroll").links()
    assert "/ui/alpha" + hidden not in alices.get("/flows", state="CREATED").links()
    nothing = alices.get("/flows", q="zebra")
    assert "None of 2 flows matches" in nothing.text
    assert nothing.status == 200


def test_htmx_gets_the_results_alone(pages: AsPages, alice: User, hello: str) -> None:
    shown = pages(alice).fragment("/flows")
    assert "<html" not in shown.html
    assert "hello" in shown.text
    assert shown.response.headers["Vary"].count("HX-Request") == 1


def test_the_list_asks_the_same_number_of_queries_for_one_flow_and_for_twenty(
    pages: AsPages, alice: User, hello: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alices = pages(alice)
    alices.get("/flows")
    with django_assert_max_num_queries(14) as few:
        alices.get("/flows")
    with tenant_scope("alpha"):
        for number in range(20):
            create_flow(acting_user=None, source=HELLO.replace("id: hello", f"id: hello{number}"))
    with django_assert_max_num_queries(14) as many:
        assert "21 flows" in alices.get("/flows").text
    assert len(many) == len(few)


def test_pages_of_flows_that_may_not_be_read_are_as_if_not_there(
    pages: AsPages, bob: User, charlie: User, hello: str, hidden: str
) -> None:
    for path in ("", "/edit", "/revisions", "/executions", "/delete"):
        assert pages(bob).get(hidden + path).status == 404, path
    assert pages(bob).get("/flows/edit/company.team/absent").status == 404
    assert pages(charlie).get(hello).status == 404
    assert pages().get(hello).location.startswith("/ui/login?next=")


def test_a_viewer_sees_no_button_he_may_not_press_and_presses_none(
    pages: AsPages, alice: User, bob: User, hello: str, in_alpha: Tenant
) -> None:
    for word in ("/execute", "/switch", "/delete"):
        assert f"/ui/alpha{hello}{word}" in pages(alice).get(hello).links()
        assert f"/ui/alpha{hello}{word}" not in pages(bob).get(hello).links()
    assert "readonly" in pages(bob).get(hello + "/edit").html
    assert pages(bob).post(hello + "/switch", disabled="true").status == 403
    assert pages(bob).post(hello + "/edit", source=HELLO + "# x\n", revision="1").status == 403
    assert pages(bob).post(hello + "/delete").status == 403
    assert pages(bob).post(hello + "/execute").status == 403
    flow = Flow.objects.get(flow_id="hello")
    assert (flow.revision, flow.disabled, flow.deleted) == (1, False, False)


def test_an_editor_of_one_namespace_edits_there_and_nowhere_else(
    pages: AsPages, bob: User, hello: str, in_alpha: Tenant
) -> None:
    grant(bob, "FLOW:CREATE", "FLOW:UPDATE", namespace="company.team")
    assert pages(bob).post(hello + "/edit", source=HELLO + "description: mine\n", revision="1").status == 302
    assert pages(bob).post("/flows/new", source=HELLO.replace("company.team", "company.payroll")).status == 403


def test_disabling_enabling_and_deleting(pages: AsPages, alice: User, hello: str, in_alpha: Tenant) -> None:
    alices = pages(alice)
    assert alices.post(hello + "/switch", disabled="true").location == "/ui/alpha" + hello
    shown = alices.get(hello)
    assert "This flow is disabled" in shown.text
    assert 'aria-disabled="true"' in shown.html
    alices.post(hello + "/switch", disabled="false")
    assert not Flow.objects.get(flow_id="hello").disabled
    question = alices.fragment(hello + "/delete")
    assert "Delete flow hello?" in question.text
    assert "<html" not in question.html
    assert alices.post(hello + "/delete").location == "/ui/alpha/flows"
    assert Flow.objects.get(flow_id="hello").deleted
    assert "Flow hello deleted" in alices.get("/flows").text


def test_revisions_show_authors_and_what_differs(pages: AsPages, alice: User, hello: str, in_alpha: Tenant) -> None:
    update_flow(
        acting_user=alice, namespace="company.team", flow_id="hello", source=HELLO.replace("Hello", "Good morning")
    )
    shown = pages(alice).get(hello + "/revisions")
    assert "Revision 1 → 2" in shown.text
    assert "by Alice" in shown.text
    assert "\u2212 message: Hello" in shown.text
    assert "+ message: Good morning" in shown.text
    assert pages(alice).get(hello + "/revisions", right="9").status == 404
    assert pages(alice).get(hello + "/revisions", right="x").status == 400
    restored = pages(alice).post(hello + "/restore", revision="1")
    assert restored.status == 302, restored.text
    flow = Flow.objects.get(flow_id="hello")
    assert (flow.revision, flow.source) == (3, HELLO)
