"""A tenant's tables are reached only while its schema is open."""

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.accounts.models import User
from apps.common.current_tenant import NoTenantOpen, current_tenant_id
from apps.rbac.models import Binding, Role
from apps.tenants.models import Tenant
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope


def test_tenant_row_asked_outside_a_tenant_is_an_error(db: None) -> None:
    assert current_tenant_id() is None
    with pytest.raises(NoTenantOpen, match="Role belongs to a tenant"):
        Role.objects.all()
    with pytest.raises(NoTenantOpen):
        Binding.objects.filter(namespace="a").exists()


def test_related_rows_are_guarded_too(in_alpha: Tenant) -> None:
    role = Role.objects.get(name="Admin")
    assert role.bindings.count() == 1
    with public_scope(), pytest.raises(NoTenantOpen):
        role.bindings.count()
    with public_scope(), pytest.raises(NoTenantOpen):
        role.save()


def test_scopes_nest_and_give_back_what_was_open(in_alpha: Tenant, alice: User, charlie: User) -> None:
    def admins() -> list[str]:
        return list(Binding.objects.filter(role__name="Admin").values_list("external_id", flat=True))

    assert admins() == [alice.id]
    with tenant_scope("beta"):
        assert current_tenant_id() == "beta"
        assert admins() == [charlie.id]
        with tenant_scope("alpha"):
            assert admins() == [alice.id]
        assert admins() == [charlie.id]
    assert current_tenant_id() == "alpha"
    assert admins() == [alice.id]


def test_scope_is_given_back_after_an_error(db: None) -> None:
    with pytest.raises(ZeroDivisionError), tenant_scope("alpha"):
        _ = 1 / 0
    assert current_tenant_id() is None


def test_unknown_tenant_is_refused_before_anything_is_read(db: None) -> None:
    with pytest.raises(UnknownTenant, match="no tenant 'nowhere'"), tenant_scope("nowhere"):
        pytest.fail("the scope was entered")
    assert current_tenant_id() is None


def test_sql_outside_a_tenant_finds_no_table(db: None) -> None:
    """The guard under the guard: the search path names no tenant's schema."""
    for statement in ("SELECT * FROM rbac_role", "DELETE FROM rbac_binding"):
        with (
            pytest.raises(ProgrammingError, match="does not exist"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_raw_queries_of_a_model_are_guarded(db: None) -> None:
    with pytest.raises(NoTenantOpen):
        Role.objects.raw("SELECT * FROM t_alpha.rbac_role")


def test_rollback_to_a_savepoint_does_not_leave_another_tenant_open(in_alpha: Tenant, charlie: User) -> None:
    """PostgreSQL takes back a SET with the savepoint it was made in."""
    with pytest.raises(ZeroDivisionError), transaction.atomic(), tenant_scope("beta"):
        assert Role.objects.exists()
        _ = 1 / 0
    assert not Binding.objects.filter(external_id=charlie.id).exists()
    with tenant_scope("beta"):
        assert Binding.objects.filter(external_id=charlie.id).exists()
