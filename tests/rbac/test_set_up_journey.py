"""From an empty installation to a person who may start a flow: by links that are handed over, page by page."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.invitations.models import Invitation
from apps.rbac.selectors import get_admin_role, named_role
from apps.tenants.scope import tenant_scope
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.pages import Pages
from tests.support.world import ALPHA

pytestmark = pytest.mark.django_db
TEAM = "company.team"
FLOW = "id: hello\nnamespace: {}\ntasks:\n  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hi}}\n"
PASSWORD = "Blue-heron-7"


def take(link: str, name: str) -> Client:
    """Opens the link in a fresh browser, makes the account there, and is signed in."""
    browser, path = Client(), "/" + link.split("/", 3)[3]
    assert "You will get" in browser.get(path).content.decode()
    given = {"do": "join", "first_name": name, "last_name": "Example", "password": PASSWORD}
    assert browser.post(path, given).status_code == 302
    assert "was accepted" in Client().get(path).content.decode(), "the link is used up"
    return browser


def copied_link(pages: Pages, email: str) -> str:
    """As the button of the list copies it."""
    row = next(row for row in pages.get("/admin/iam/invitations").html.split("<tr>") if email in row)
    found = re.search(r'data-copy="([^"]+)"', row)
    assert found is not None
    return found[1]


def pages_of(browser: Client) -> Pages:
    pages = Pages(tenant=ALPHA)
    pages.client = browser
    return pages


def test_the_platform_team_invites_a_lead_who_invites_a_launcher(alpha: object) -> None:
    root = Pages(make_super_admin(), tenant=ALPHA)
    with tenant_scope(ALPHA):
        admin, launcher = get_admin_role().pk, named_role("Launcher").pk
    invited = root.post("/admin/iam/invitations", emails="lead@example.com", role=admin, namespaces=TEAM)
    assert invited.status == 302, invited.text
    lead = pages_of(take(copied_link(root, "lead@example.com"), "Lea"))

    for namespace, status in ((TEAM, 200), ("company.other", 403)):
        made = lead.client.post("/api/v1/alpha/flows", FLOW.format(namespace), content_type="application/x-yaml")
        assert made.status_code == status, namespace
    offered = lead.get("/admin/iam/invitations/new")
    assert f"what you have yourself in {TEAM}" in offered.text
    wide = lead.post("/admin/iam/invitations", emails="pat@example.com", role=launcher, namespaces="")
    assert (wide.status, Invitation.objects.filter(email="pat@example.com").exists()) == (403, False)
    lead.post("/admin/iam/invitations", emails="pat@example.com", role=launcher, namespaces=TEAM)
    pat = pages_of(take(copied_link(lead, "pat@example.com"), "Pat"))

    assert "hello" in pat.get("/flows").text
    started = pat.client.post(f"/api/v1/alpha/executions/{TEAM}/hello")
    assert started.status_code == 200, started.content
    refused = [
        pat.client.post("/api/v1/alpha/flows", FLOW.format(TEAM), content_type="application/x-yaml"),
        pat.client.delete(f"/api/v1/alpha/flows/{TEAM}/hello"),
        pat.client.get(f"/api/v1/alpha/namespaces/{TEAM}/secrets"),
        pat.client.get("/ui/alpha/admin/iam/invitations"),
        pat.client.get("/ui/alpha/admin/iam/bindings"),
        pat.client.get("/ui/alpha/admin/iam/users"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert not {"/ui/alpha/admin/iam", "/ui/alpha/admin/auditlogs"} & pat.get("/").links()
    assert (
        ApiClient(User.objects.get(username="pat@example.com"), tenant="beta").get("/flows/search").status_code == 404
    )
