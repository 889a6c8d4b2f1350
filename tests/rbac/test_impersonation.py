"""Acting as another person: only with the right to it, only inside the tenant, and the audit tells."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEntry
from apps.tenants.models import Tenant
from tests.factories import grant, make_super_admin, make_user

API = "/api/v1/alpha"


def ask(user: User, as_whom: str, path: str, *, method: str = "GET", body: Any = None) -> Any:
    client = Client()
    client.force_login(user)
    headers = {"X-Kestra-Impersonate": as_whom}
    return client.generic(method, path, body or b"", content_type="application/json", headers=headers)


def test_admin_sees_what_the_person_sees(in_alpha: Tenant, alice: User, bob: User) -> None:
    assert ask(alice, "bob@example.com", f"{API}/roles/search").status_code == 403, "Bob may not"
    grant(bob, "ROLE:READ")
    assert ask(alice, "bob@example.com", f"{API}/roles/search").status_code == 200


def test_audit_names_both(in_alpha: Tenant, alice: User, bob: User) -> None:
    grant(bob, "ROLE:CREATE")
    made = ask(alice, "bob@example.com", f"{API}/roles", method="POST", body=b'{"name": "r", "permissions": {}}')
    assert made.status_code == 200
    entry = AuditEntry.objects.get(resource="Role", detail__id=made.json()["id"])
    assert (entry.user_id, entry.impersonated_by) == (bob.id, alice.id)
    plain = Client()
    plain.force_login(alice)
    other = plain.post(f"{API}/roles", {"name": "r2", "permissions": {}}, content_type="application/json").json()
    assert AuditEntry.objects.get(resource="Role", detail__id=other["id"]).impersonated_by is None


def test_it_needs_the_right_to_it(in_alpha: Tenant, charlie: User, bob: User) -> None:
    assert ask(charlie, "alice@example.com", f"{API}/roles/search").status_code == 404, "as for a tenant that is not"
    assert ask(bob, "alice@example.com", f"{API}/roles/search").status_code == 403
    dora = make_user("dora@example.com")
    grant(dora, "ROLE:READ")
    grant(bob, "IMPERSONATE:READ", "ROLE:READ")
    assert ask(bob, "dora@example.com", f"{API}/roles/search").status_code == 200


def test_nobody_gains_rights_by_it(in_alpha: Tenant, alice: User, bob: User) -> None:
    grant(bob, "IMPERSONATE:READ")
    refused = ask(bob, "alice@example.com", f"{API}/roles/search")
    assert (refused.status_code, "may more than you" in refused.json()["message"]) == (403, True)


def test_only_people_of_the_tenant_and_never_a_super_admin(in_alpha: Tenant, alice: User, charlie: User) -> None:
    assert ask(alice, "charlie@example.com", f"{API}/roles/search").status_code == 404
    assert ask(alice, "nobody@example.com", f"{API}/roles/search").status_code == 404
    root = make_super_admin()
    grant(root, "FLOW:READ")
    assert ask(alice, root.username, f"{API}/roles/search").status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/me/api-tokens"),
        ("POST", f"{API}/me/api-tokens"),
        ("PUT", "/api/v1/me/password"),
        ("GET", "/api/v1/tenants/search"),
    ],
)
def test_a_person_s_own_things_stay_out_of_reach(alice: User, bob: User, method: str, path: str) -> None:
    """A token of Bob made by Alice would act as Bob in tenants Alice has nothing to do with."""
    assert ask(alice, "bob@example.com", path, method=method, body=b'{"name": "x"}').status_code == 403
    assert not ApiToken.objects.filter(user=bob).exists()


def test_no_tokens_of_the_person_by_the_way_round(in_alpha: Tenant, alice: User, bob: User) -> None:
    grant(bob, "USER:UPDATE")
    path = f"{API}/users/{bob.id}/api-tokens"
    assert ask(alice, "bob@example.com", path, method="POST", body=b'{"name": "x"}').status_code == 403
    assert not ApiToken.objects.filter(user=bob).exists()


def test_nobody_cannot_and_a_super_admin_can(in_alpha: Tenant, bob: User) -> None:
    nobody = Client().get(f"{API}/roles/search", headers={"X-Kestra-Impersonate": "alice@example.com"})
    assert nobody.status_code == 401
    root = make_super_admin()
    dora = make_user("dora@example.com")
    grant(dora, "ROLE:READ")
    assert ask(root, "dora@example.com", f"{API}/roles/search").status_code == 200
