"""Tenants are made, changed and dropped by super admins."""

from collections.abc import Callable

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.errors import IllegalState, Invalid
from apps.instance.services.tenants import create_tenant
from apps.rbac.decisions import can, has_access
from apps.tenants.scope import UnknownTenant, tenant_scope
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient


def schema_exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
        return cursor.fetchone() is not None


def test_super_admin_makes_and_drops_a_tenant_over_the_api(db: None, api: Callable[..., ApiClient]) -> None:
    root = make_super_admin()
    client = api(root, tenant=None)
    made = client.post("/tenants", {"id": "gamma", "name": "Gamma"})
    assert (made.status_code, made.json()) == (200, {"id": "gamma", "name": "Gamma", "deleted": False})
    assert schema_exists("t_gamma")
    assert client.post("/tenants", {"id": "gamma"}).status_code == 409
    assert client.put("/tenants/gamma", {"id": "gamma", "name": "New"}).json()["name"] == "New"
    assert client.put("/tenants/gamma", {"id": "delta", "name": "New"}).status_code == 422
    assert [row["id"] for row in client.get("/tenants/search", q="gam").json()["results"]] == ["gamma"]
    with tenant_scope("gamma"):
        assert not has_access(root), "a super admin binds himself explicitly"
    assert client.delete("/tenants/gamma").status_code == 204
    assert client.get("/tenants/gamma").status_code == 404
    assert {"CREATE", "UPDATE", "DELETE"} == set(
        AuditEntry.objects.filter(resource="Tenant", detail__id="gamma").values_list("type", flat=True)
    )


def test_only_super_admins_see_tenants(alice: User, api: Callable[..., ApiClient]) -> None:
    assert api(alice, tenant=None).get("/tenants/search").status_code == 403
    assert api(None, tenant=None).get("/tenants/search").status_code == 401


@pytest.mark.parametrize("tenant_id", ["", "Alpha", "-a", "a b", "flows", "ui", "login", "a" * 60, 'a"b', "é"])
def test_bad_and_taken_words_are_refused(db: None, alice: User, tenant_id: str) -> None:
    with pytest.raises(Invalid):
        create_tenant(acting_user=alice, tenant_id=tenant_id)
    assert not schema_exists(f"t_{tenant_id}")


def test_creator_becomes_admin_of_the_new_tenant_only(db: None, bob: User) -> None:
    create_tenant(acting_user=bob, tenant_id="bobs-own")
    with tenant_scope("bobs-own"):
        assert can(bob, "FLOW", "DELETE")
    with tenant_scope("alpha"):
        assert not can(bob, "FLOW", "DELETE")


def test_taken_id_and_default_tenant(alice: User, api: Callable[..., ApiClient]) -> None:
    with pytest.raises(IllegalState, match="already a tenant"):
        create_tenant(acting_user=alice, tenant_id="beta")
    assert api(make_super_admin(), tenant=None).delete("/tenants/alpha").status_code == 409


def test_half_made_tenant_leaves_nothing(db: None, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("no space left")

    monkeypatch.setattr("apps.instance.services.tenants.ensure_managed_roles", fail)
    with pytest.raises(RuntimeError, match="no space left"):
        create_tenant(acting_user=alice, tenant_id="gamma")
    assert not schema_exists("t_gamma")
    with pytest.raises(UnknownTenant), tenant_scope("gamma"):
        pytest.fail("entered")


def test_health_and_ping_are_for_everyone(db: None, api: Callable[..., ApiClient]) -> None:
    client = api().client
    assert client.get("/ping").content == b"pong"
    assert client.get("/health").json() == {"status": "UP"}
    assert client.get("/health").headers["Content-Security-Policy"].startswith("default-src 'self'; script-src 'self';")
