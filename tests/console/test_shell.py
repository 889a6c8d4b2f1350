"""The frame: the menu of what may be opened, the sidebar, how it was left, error pages, a session that is over."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.models import User
from apps.audit.services import record
from apps.console.views.menu import menu_of
from apps.tenants.models import Tenant
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.factories import grant, make_super_admin, make_user
from tests.support.pages import Pages

FLOW = """\
id: hello
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: Hello}
"""


def labels(user: User) -> set[str]:
    return {entry.label for group in menu_of(user, "alpha", "/ui/alpha/") for entry in group.entries}


@pytest.mark.django_db
def test_the_menu_offers_what_is_permitted(alice: User, bob: User, in_alpha: Tenant) -> None:
    assert {"Home", "Flows", "Executions", "Triggers", "Namespaces", "Plugins", "Audit log"} <= labels(alice)
    assert {"Home", "Flows", "Executions", "Plugins"} <= labels(bob)
    assert not {"Audit log", "Invitations", "Announcements", "Admin console"} & labels(bob)
    visitor = make_user("visitor@example.com")
    grant(visitor, "APPEXECUTION:READ", namespace="company.team")
    assert not {"Flows", "Executions", "Namespaces"} & labels(visitor)
    assert "Admin console" in labels(make_super_admin())


@pytest.mark.django_db
def test_each_line_of_the_menu_leads_to_a_page(alice: User, in_alpha: Tenant) -> None:
    pages = Pages(alice)
    for group in menu_of(alice, "alpha", "/ui/alpha/"):
        for entry in group.entries:
            found = pages.get(entry.url.removeprefix("/ui/alpha"))
            if found.status == 302:  # a list beside its first entry
                assert found.location.startswith(entry.url)
                found = pages.get(found.location.removeprefix("/ui/alpha"))
            assert found.status == 200, entry.url


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/ui/alpha/", "Home"),
        ("/ui/alpha/flows/edit/company.team/hello/edit", "Flows"),
        ("/ui/alpha/admin/triggers", "Triggers"),
        ("/ui/alpha/plugins/io.kestra.plugin.core.log.Log", "Plugins"),
    ],
)
def test_the_open_page_class_is_marked_and_no_other(path: str, label: str, alice: User, in_alpha: Tenant) -> None:
    entries = [entry for group in menu_of(alice, "alpha", path) for entry in group.entries]
    assert [entry.label for entry in entries if entry.current] == [label]


@pytest.mark.django_db
def test_switching_the_tenant_keeps_the_page_class(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    shown = client.get(
        "/ui/alpha/tenants",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/ui/alpha/flows/edit/company.team/hello"},
    )
    assert 'href="/ui/alpha/flows"' in shown.content.decode()
    assert 'href="/ui/alpha/"' in client.get("/ui/alpha/tenants", headers={"HX-Request": "true"}).content.decode()


@pytest.mark.django_db
def test_how_the_frame_was_left_is_kept_with_the_person(alice: User) -> None:
    pages = Pages(alice)
    assert pages.post("/settings/layout", sidebar="docs", sidebarWidth="420", menu="narrow").status == 204
    shown = pages.get("/flows")
    assert "--panel-w: 420px" in shown.html
    assert 'data-menu="narrow"' in shown.html
    assert re.search(r'data-panel="docs"[^>]*data-open', shown.html)
    assert pages.post("/settings/layout", sidebar="").status == 204
    assert "data-open" not in pages.get("/flows").html
    for wrong in ({"sidebar": "x"}, {"sidebarWidth": "9000"}, {"sidebarWidth": "wide"}, {"menu": "x"}):
        assert pages.post("/settings/layout", **wrong).status == 400
    assert "--panel-w: 420px" in pages.get("/flows").html


@pytest.mark.django_db
def test_the_docs_of_the_sidebar_are_those_of_the_page(alice: User) -> None:
    pages = Pages(alice)
    assert "/ui/alpha/docs/use/triggers" in pages.get("/admin/triggers").links()
    assert "/ui/alpha/docs/operate/audit" in pages.get("/admin/auditlogs").links()


@pytest.mark.django_db
def test_activity_shows_what_i_did_and_how_my_executions_are_now(
    alice: User, bob: User, in_alpha: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    create_flow(acting_user=alice, source=FLOW)
    create_execution(acting_user=alice, request=StartRequest("company.team", "hello"))
    record(acting_user=bob, action="CREATE", resource="Secret", detail={"id": "bobs", "namespace": "company.team"})
    pages = Pages(alice)
    shown = pages.fragment("/activity")
    assert "Create flow company.team.hello" in shown.text
    assert "Created" in shown.text
    assert "bobs" not in shown.text
    assert any("/executions/company.team/hello/" in link for link in shown.links())
    with django_assert_max_num_queries(8):
        pages.fragment("/activity")


@pytest.mark.django_db
def test_help_lists_the_shortcuts_which_can_be_turned_off(alice: User) -> None:
    pages = Pages(alice)
    assert "Search everything" in pages.get("/help").text
    assert 'id="dialog-title"' in pages.fragment("/help/shortcuts").html
    pages.post("/settings", shortcuts="off")
    assert 'data-shortcuts="off"' in pages.get("/help").html


@pytest.mark.django_db
def test_an_error_page_names_the_request_as_the_answer_and_the_log_do(alice: User) -> None:
    shown = Pages(alice).get("/nowhere")
    number = shown.response.headers["X-Request-Id"]
    assert shown.status == 404
    assert number in shown.text
    given = Client().get("/ui/login", headers={"X-Request-Id": "from-the-proxy-1"})
    assert given.headers["X-Request-Id"] == "from-the-proxy-1"
    made = Client().get("/ui/login", headers={"X-Request-Id": "<script>"})
    assert made.headers["X-Request-Id"] != "<script>"


@pytest.mark.django_db
def test_a_script_learns_that_the_session_is_over_and_gets_a_new_token_when_it_is_not(alice: User) -> None:
    assert "token" in Pages(alice).fragment("/session").response.json()
    nobody = Pages().fragment("/session")
    assert nobody.status == 204
    assert nobody.location.startswith("/ui/login?next=")
    assert "signed in again" in Pages(alice).get("/session/renewed").text
