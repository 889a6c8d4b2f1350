"""The home page, the way to it, the frame around pages, settings, errors."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from apps.accounts.models import User
from apps.console.views.bars import success_ratio
from apps.console.views.home import hour_bars
from apps.tenants.models import Tenant
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from tests.factories import grant, make_super_admin, make_user
from tests.support.pages import Pages

FLOW = """\
id: hello
namespace: {namespace}
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: Hello}}
"""


@pytest.fixture
def pages(db: None) -> Callable[..., Pages]:
    return Pages


@pytest.mark.django_db
def test_an_empty_tenant_welcomes_and_offers_to_create_a_flow(pages: Callable[..., Pages], alice: User) -> None:
    shown = pages(alice).get("/")
    assert "Welcome to Alpha" in shown.text
    assert "/ui/alpha/flows/new" in shown.links()


@pytest.mark.django_db
def test_figures_count_only_what_the_person_may_see(
    pages: Callable[..., Pages], alice: User, bob: User, in_alpha: Tenant
) -> None:
    for namespace, times in (("company.team", 2), ("company.payroll", 3)):
        create_flow(acting_user=None, source=FLOW.format(namespace=namespace))
        for _ in range(times):
            create_execution(acting_user=None, request=StartRequest(namespace, "hello"))
    assert "Executions, 24 hours 5" in pages(alice).get("/").text
    shown = pages(bob).get("/")
    assert "Executions, 24 hours 2" in shown.text
    assert "2 waiting to start" in shown.text
    assert "payroll" not in shown.html


@pytest.mark.django_db
def test_home_asks_a_bounded_number_of_queries(
    pages: Callable[..., Pages], alice: User, in_alpha: Tenant, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    create_flow(acting_user=None, source=FLOW.format(namespace="company.team"))
    for _ in range(12):
        create_execution(acting_user=None, request=StartRequest("company.team", "hello"))
    alices = pages(alice)
    alices.get("/")
    with django_assert_max_num_queries(16):
        alices.get("/")


@pytest.mark.django_db
def test_who_may_see_no_executions_is_told_and_sees_no_figures(
    pages: Callable[..., Pages], charlie: User, in_alpha: Tenant
) -> None:
    create_flow(acting_user=None, source=FLOW.format(namespace="company.team"))
    grant(charlie, "FLOW:READ")
    shown = pages(charlie).get("/")
    assert "You cannot see executions" in shown.text
    assert "data-live=" not in shown.html
    assert "/ui/alpha/executions" not in shown.links()


@pytest.mark.django_db
def test_the_start_page_leads_to_a_tenant_the_person_may_enter(alice: User, charlie: User, settings: Settings) -> None:
    settings.KESTRA_DEFAULT_TENANT = "beta"
    for user, tenant in ((alice, "alpha"), (charlie, "beta"), (make_super_admin(), "beta")):
        client = Client()
        client.force_login(user)
        assert client.get("/ui/").headers["Location"] == f"/ui/{tenant}/"
    alice.preferences = {"defaultTenant": "beta"}
    alice.save()
    client = Client()
    client.force_login(alice)
    assert client.get("/ui/").headers["Location"] == "/ui/alpha/", "beta is not hers"
    nowhere = Client()
    nowhere.force_login(make_user("nobody@example.com"))
    answer = nowhere.get("/ui/")
    assert answer.status_code == 403
    assert b"no access to any tenant" in answer.content
    assert Client().get("/ui/").headers["Location"].startswith("/ui/login")
    assert Client().get("/ui").headers["Location"] == Client().get("/").headers["Location"] == "/ui/"


@pytest.mark.django_db
def test_the_switcher_lists_the_tenants_of_the_person_alone(pages: Callable[..., Pages], alice: User) -> None:
    shown = pages(alice).fragment("/tenants")
    assert "/ui/alpha/" in shown.links()
    assert "/ui/beta/" not in shown.links()
    assert "/ui/beta/" in pages(make_super_admin()).fragment("/tenants").links()


@pytest.mark.django_db
def test_a_chosen_theme_follows_the_person(pages: Callable[..., Pages], alice: User, bob: User) -> None:
    alices = pages(alice)
    assert "data-theme" not in alices.get("/").html
    assert alices.post("/settings", theme="dark", density="compact", defaultTenant="1").status == 302
    html = pages(alice).get("/").html
    assert '<html lang="en" data-theme="dark" data-density="compact">' in html
    assert "data-theme" not in pages(bob).get("/").html
    alices.post("/settings", theme="", density="")
    assert "data-theme" not in pages(alice).get("/").html
    assert alices.post("/settings", theme="pink").status == 400


@pytest.mark.django_db
def test_error_pages_have_the_menu_for_those_who_belong_here(
    pages: Callable[..., Pages], alice: User, charlie: User
) -> None:
    missing = pages(alice).get("/nothing/here")
    assert missing.status == 404
    assert "There is no such page" in missing.text
    assert "/ui/alpha/flows" in missing.links()
    stranger = pages(charlie).get("/flows")
    assert stranger.status == 404
    assert "/ui/alpha/flows" not in stranger.links()
    assert "Alpha" not in stranger.text
    fragment = pages(alice).fragment("/nothing/here")
    assert "<html" not in fragment.html


@pytest.mark.django_db
def test_pages_load_nothing_from_elsewhere_and_hold_no_inline_script(pages: Callable[..., Pages], alice: User) -> None:
    shown = pages(alice).get("/")
    assert "http://" not in shown.html.replace("http://www.w3.org", "")
    assert "https://" not in shown.html
    assert "<script>" not in shown.html
    assert " onclick=" not in shown.html
    assert "script-src 'self'" in shown.response.headers["Content-Security-Policy"]


def test_the_ratio_leaves_out_what_was_cancelled_or_goes_on() -> None:
    counted = Counter({"SUCCESS": 6, "WARNING": 1, "FAILED": 2, "KILLED": 1, "CANCELLED": 50, "RUNNING": 9})
    assert success_ratio(counted) == 70.0
    assert success_ratio(Counter({"RUNNING": 3})) is None


def test_bars_stack_from_the_ground_and_fit_the_axis() -> None:
    since = datetime(2026, 1, 15, 10, tzinfo=UTC)
    counted = [(since, "SUCCESS", 6), (since, "FAILED", 1), (since + timedelta(hours=2), "SUCCESS", 2)]
    bars, highest = hour_bars(counted, since)
    assert (len(bars), highest) == (24, 10)
    ground, top = bars[0].segments
    assert (ground.state, ground.y + ground.height) == ("SUCCESS", 100)
    assert (top.state, top.y + top.height) == ("FAILED", ground.y)
    assert bars[1].segments == []
    assert hour_bars([], since)[1] == 4
    assert hour_bars([(since, "SUCCESS", 1234)], since)[1] == 1600
