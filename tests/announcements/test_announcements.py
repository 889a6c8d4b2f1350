"""Announcements: who writes them, who is told, from when until when; and news."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.announcements.models import Banner, News
from apps.announcements.selectors import told_at_sign_in, told_to
from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.live.models import LiveEvent
from apps.rbac.models import GroupMember
from apps.rbac.services.groups import save_group
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_super_admin
from tests.support.api_client import ApiClient
from tests.support.pages import Pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(db: None) -> User:
    return make_super_admin()


@pytest.fixture
def clock(frozen_clock: time_machine.Traveller) -> Iterator[time_machine.Traveller]:
    return frozen_clock


def announce(user: User, message: str, *, tenant: str | None = None, **fields: Any) -> dict[str, Any]:
    answer = ApiClient(user, tenant=tenant).post("/banners", {"message": message, **fields})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def told(user: User, tenant: str = "alpha") -> list[str]:
    return [one["message"] for one in ApiClient(user, tenant=tenant).get("/banners").json()]


def iso(moment: datetime) -> str:
    return moment.isoformat()


def test_the_installation_tells_everybody_and_a_tenant_its_own(
    root: User, alice: User, bob: User, charlie: User
) -> None:
    announce(root, "Maintenance on Sunday")
    announce(root, "Only beta", tenantId="beta")
    announce(alice, "Alpha moves", tenant="alpha")
    assert set(told(bob)) == {"Maintenance on Sunday", "Alpha moves"}
    assert set(told(charlie, "beta")) == {"Maintenance on Sunday", "Only beta"}


def test_a_group_is_told_what_is_for_it_and_nobody_else(alice: User, bob: User, alpha: Tenant) -> None:
    with tenant_scope("alpha"):
        group = save_group(acting_user=alice, name="Finance")
        GroupMember.objects.create(group=group, user_id=bob.pk)
    announce(alice, "Close the books", tenant="alpha", groupIds=[group.pk])
    assert told(bob) == ["Close the books"]
    assert told(alice) == []


def test_the_window_decides_and_says_when_it_changes_next(
    root: User, bob: User, alpha: Tenant, clock: time_machine.Traveller
) -> None:
    start, end = now() + timedelta(minutes=1), now() + timedelta(minutes=2)
    announce(root, "Soon", startDate=iso(start), endDate=iso(end))
    with tenant_scope("alpha"):
        before = told_to(bob)
        assert (before.banners, before.next_change) == ([], start)
        clock.move_to(start)
        shown = told_to(bob)
        assert [one.banner.message for one in shown.banners] == ["Soon"]
        assert shown.next_change == end
        page = Pages(bob).fragment("/banners")
        assert "Soon" in page.text
        assert f'data-change-at="{end:%Y-%m-%dT%H:%M:%S}' in page.html
        clock.move_to(end)
        over = told_to(bob)
        assert (over.banners, over.next_change) == ([], None)


def test_the_newest_start_comes_first_and_the_rest_folds_away(root: User, bob: User) -> None:
    for minutes in (30, 10, 20):
        announce(root, f"{minutes} minutes ago", startDate=iso(now() - timedelta(minutes=minutes)))
    assert told(bob) == ["10 minutes ago", "20 minutes ago", "30 minutes ago"]
    page = Pages(bob).fragment("/banners")
    assert "1 more" in page.text
    assert page.html.index("20 minutes") < page.html.index("<details") < page.html.index("30 minutes")


def test_each_dismisses_for_himself_and_an_error_stays(root: User, alice: User, bob: User) -> None:
    info, error = announce(root, "By the way"), announce(root, "On fire", type="ERROR", dismissible=True)
    own = announce(alice, "Ours", tenant="alpha")
    assert error["dismissible"] is False
    assert ApiClient(bob).post(f"/banners/instance/{info['id']}/dismiss").status_code == 204
    assert ApiClient(bob).post(f"/banners/tenant/{own['id']}/dismiss").status_code == 204
    assert ApiClient(bob).post(f"/banners/instance/{error['id']}/dismiss").status_code == 409
    assert told(bob) == ["On fire"]
    assert set(told(alice)) == {"By the way", "On fire", "Ours"}
    ApiClient(root, tenant=None).put(f"/banners/{info['id']}", {"message": "By the way, more"})
    assert set(told(bob)) == {"On fire", "By the way, more"}, "what it says now was not seen yet"


def test_who_may_announce(root: User, alice: User, bob: User, charlie: User, alpha: Tenant) -> None:
    body = {"message": "x"}
    assert ApiClient(alice, tenant=None).post("/banners", body).status_code == 403
    assert ApiClient(alice, tenant=None).get("/banners/search").status_code == 403
    assert ApiClient(bob).post("/banners", body).status_code == 403
    assert ApiClient(charlie).post("/banners", body).status_code == 404
    assert ApiClient(tenant=None).post("/banners", body).status_code == 401
    assert Pages(bob).get("/admin/announcements").status == 403
    instance = announce(root, "Of the installation")
    assert ApiClient(alice).put(f"/banners/{instance['id']}", body).status_code == 404
    assert Pages(alice).post(f"/admin/announcements/instance/{instance['id']}/delete").status == 403
    assert Pages(alice).post("/admin/announcements", scope="instance", message="x", type="INFO").status == 403
    with tenant_scope("alpha"):
        grant(bob, "SETTING:UPDATE")
    assert ApiClient(bob).post("/banners", body).status_code == 200


def test_bad_input_is_told(root: User, alice: User) -> None:
    installation, tenant = ApiClient(root, tenant=None), ApiClient(alice)
    assert installation.post("/banners", {"message": " "}).status_code == 422
    assert installation.post("/banners", {"message": "x" * 301}).status_code == 422
    assert installation.post("/banners", {"message": "x", "type": "LOUD"}).status_code == 422
    assert installation.post("/banners", {"message": "x", "tenants": ["nowhere"]}).status_code == 422
    assert tenant.post("/banners", {"message": "x", "groupIds": ["0" * 22]}).status_code == 422
    over = {"message": "x", "startDate": "2026-01-02T00:00:00Z", "endDate": "2026-01-01T00:00:00Z"}
    assert installation.post("/banners", over).status_code == 422
    assert not Banner.objects.exists()


def test_changes_are_audited_and_reach_open_pages(root: User) -> None:
    made = announce(root, "First")
    client = ApiClient(root, tenant=None)
    changed = client.put(f"/banners/{made['id']}", {"message": "Second", "type": "WARNING"}).json()
    assert (changed["message"], changed["type"], changed["active"]) == ("Second", "WARNING", True)
    assert [one["message"] for one in client.get("/banners/search").json()] == ["Second"]
    assert client.delete(f"/banners/{made['id']}").status_code == 204
    assert client.get("/banners/search").json() == []
    entries = AuditEntry.objects.filter(resource="Banner").order_by("id")
    assert [one.type for one in entries] == ["CREATE", "UPDATE", "DELETE"]
    assert LiveEvent.objects.filter(topic="announce", tenant="").count() == 3


def test_the_message_is_never_html(root: User, bob: User) -> None:
    announce(root, "**bold** <script>alert(1)</script> [x](javascript:alert(1)) [docs](https://example.com)")
    html = Pages(bob).fragment("/banners").html
    assert "<strong>bold</strong>" in html
    assert "<script>alert" not in html
    assert 'href="javascript' not in html
    assert 'href="https://example.com"' in html


def test_the_sign_in_page_shows_what_is_for_everybody_and_says_so(root: User) -> None:
    announce(root, "Down on Sunday", onSignIn=True)
    announce(root, "For beta only", onSignIn=True, tenantId="beta")
    announce(root, "Not here")
    assert [one.banner.message for one in told_at_sign_in().banners] == ["Down on Sunday"]
    page = Client().get("/ui/login").content.decode()
    assert "Down on Sunday" in page
    assert "For beta only" not in page


def test_a_page_pays_few_queries_for_announcements(root: User, bob: User, alpha: Tenant) -> None:
    for number in range(10):
        announce(root, f"Number {number}")
    with (
        tenant_scope("alpha"),
        CaptureQueriesContext(connection) as queries,
    ):
        assert len(told_to(bob).banners) == 10
    assert len([one for one in queries if "announcements_banner" in one["sql"]]) == 1


def test_an_administrator_writes_changes_and_deletes_on_the_page(alice: User, bob: User) -> None:
    pages = Pages(alice)
    bad = pages.post("/admin/announcements", scope="tenant", message="Kept", type="INFO", end="2020-01-01T00:00")
    assert bad.status == 422
    assert bad.value_of("message") == "Kept"
    assert "end must be after" in bad.text
    assert pages.post("/admin/announcements", scope="tenant", message="Hello", type="WARNING").status == 302
    with tenant_scope("alpha"):
        banner = Banner.objects.get()
    assert "Hello" in Pages(bob).get("/").text, "on top of every page"
    assert pages.get(f"/admin/announcements/tenant/{banner.pk}").value_of("message") == "Hello"
    assert "<strong>now</strong>" in pages.post("/admin/announcements/preview", message="**now**", type="INFO").html
    assert pages.post(f"/admin/announcements/tenant/{banner.pk}/delete").status == 302
    assert told(bob) == []


def test_news_are_unread_until_the_person_has_read_them(root: User, alice: User, bob: User) -> None:
    News.objects.create(title="Approvals inbox", body="Requests that **wait**.", published=now())
    News.objects.create(title="Later", body="x", published=now() + timedelta(days=1))
    mine = ApiClient(alice, tenant=None).get("/me/news").json()
    assert (mine["unread"], [one["title"] for one in mine["results"]]) == (1, ["Approvals inbox"])
    assert "<strong>wait</strong>" in Pages(alice).fragment("/news").html
    assert ApiClient(alice, tenant=None).post("/me/news/read").status_code == 204
    assert ApiClient(alice, tenant=None).get("/me/news").json()["unread"] == 0
    assert ApiClient(bob, tenant=None).get("/me/news").json()["unread"] == 1
    assert "Mark all read" not in Pages(alice).fragment("/news").text
