"""Acting as another person for a while: begun on his page, in one tenant, told on every page, ended by a button."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.rbac.models import Binding
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_super_admin
from tests.support.pages import Shown

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_alice_acts_as_bob_and_both_are_named(alpha: Tenant, alice: User, bob: User) -> None:
    client = signed_in(alice)
    started = client.post("/ui/alpha/admin/iam/act-as", {"user": bob.id})
    assert started.headers["Location"] == "/ui/alpha/"
    with tenant_scope("alpha"):
        grant(bob, "ROLE:CREATE")
        page = Shown(client.get("/ui/alpha/"))
    assert "You act as Bob" in page.text
    assert client.post("/api/v1/alpha/roles", {"name": "r", "permissions": {}}, content_type="application/json").json()
    with tenant_scope("alpha"):
        made = AuditEntry.objects.get(resource="Role", type="CREATE", user_id=bob.id)
        begun = AuditEntry.objects.get(type="IMPERSONATE")
    assert made.impersonated_by == alice.id
    assert (begun.user_id, begun.detail["username"]) == (alice.id, "bob@example.com")
    assert client.post("/api/v1/alpha/groups", {"name": "g"}, content_type="application/json").status_code == 403


def test_a_button_on_every_page_ends_it(alpha: Tenant, alice: User, bob: User) -> None:
    client = signed_in(alice)
    client.post("/ui/alpha/admin/iam/act-as", {"user": bob.id})
    page = Shown(client.get("/ui/alpha/executions"))
    assert 'action="/ui/logout/acting"' in page.html
    assert client.post("/ui/logout/acting").status_code == 302
    assert "You act as" not in Shown(client.get("/ui/alpha/executions")).text
    assert client.post("/api/v1/alpha/groups", {"name": "g"}, content_type="application/json").status_code == 200


def test_it_holds_in_that_tenant_only_and_own_things_stay_one_s_own(
    alpha: Tenant, beta: Tenant, alice: User, bob: User
) -> None:
    client = signed_in(alice)
    client.post("/ui/alpha/admin/iam/act-as", {"user": bob.id})
    assert client.get("/api/v1/me").json()["user"]["username"] == "alice@example.com"
    made = client.post("/api/v1/me/api-tokens", {"name": "x"}, content_type="application/json")
    assert made.status_code == 200
    assert not bob.api_tokens.exists()
    assert client.get("/ui/beta/flows").status_code == 404


def test_it_ends_when_the_right_to_it_does(alpha: Tenant, alice: User, bob: User) -> None:
    client = signed_in(alice)
    client.post("/ui/alpha/admin/iam/act-as", {"user": bob.id})
    with tenant_scope("alpha"):
        Binding.objects.filter(external_id=alice.pk).delete()
        grant(alice, "FLOW:READ")
    assert "You act as" not in Shown(client.get("/ui/alpha/flows")).text


@pytest.mark.parametrize("whom", ["root@example.com", "charlie@example.com"])
def test_never_a_super_admin_nor_a_stranger(alpha: Tenant, alice: User, charlie: User, whom: str) -> None:
    root = make_super_admin()
    with tenant_scope("alpha"):
        grant(root, "FLOW:READ")
    client = signed_in(alice)
    person = User.objects.get(username=whom)
    assert client.post("/ui/alpha/admin/iam/act-as", {"user": person.id}).status_code in {403, 404}
    assert Shown(client.get("/ui/alpha/")).text.count("You act as") == 0


def test_it_needs_the_right(alpha: Tenant, alice: User, bob: User) -> None:
    assert signed_in(bob).post("/ui/alpha/admin/iam/act-as", {"user": alice.id}).status_code == 403


def test_over_the_api_a_super_admin_s_session(alpha: Tenant, bob: User) -> None:
    client = signed_in(make_super_admin())
    assert client.post(f"/api/v1/alpha/users/{bob.id}/impersonate").status_code == 200
    assert "You act as Bob" in Shown(client.get("/ui/alpha/")).text
