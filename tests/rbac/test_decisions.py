"""What a person may do: the union of what is bound to the person and to the person's groups."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.common.errors import Forbidden
from apps.rbac.catalog import MANAGED_ROLES, Permission
from apps.rbac.decisions import (
    can,
    check_can,
    forget_grants,
    has_access,
    permission_map,
    visible_namespaces,
    visible_within,
)
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Role, TenantAccess
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import bind, grant, make_super_admin, make_user
from tests.support.world import person


def test_admin_may_everything_everywhere(in_alpha: Tenant, alice: User) -> None:
    assert all(can(alice, permission, "DELETE", "any.where") for permission in Permission)
    assert visible_namespaces(alice, "FLOW") is None


def test_viewer_of_a_namespace_sees_it_and_what_lies_below(in_alpha: Tenant, bob: User) -> None:
    assert can(bob, "FLOW", "READ", "company.team")
    assert can(bob, "FLOW", "READ", "company.team.etl")
    assert not can(bob, "FLOW", "READ", "company")
    assert not can(bob, "FLOW", "READ", "company.teammates"), "a common beginning is not a parent"
    assert not can(bob, "FLOW", "UPDATE", "company.team")
    assert not can(bob, "SECRET", "READ", "company.team")
    assert can(bob, "FLOW", "READ"), "in some namespace"
    assert visible_namespaces(bob, "FLOW") == ["company.team"]
    assert visible_namespaces(bob, "SECRET") == []


def test_permission_on_the_tenant_s_own_things_needs_the_whole_tenant(in_alpha: Tenant, bob: User) -> None:
    assert Role.objects.get(name="Viewer").permissions["DASHBOARD"] == ["READ"]
    assert not can(bob, "DASHBOARD", "READ"), "Bob is Viewer of one namespace only"
    grant(bob, "DASHBOARD:READ")
    forget_grants(bob)
    assert can(bob, "DASHBOARD", "READ")


def test_rights_of_groups_add_up_with_one_s_own(in_alpha: Tenant, bob: User) -> None:
    group = Group.objects.create(name="editors")
    GroupMember.objects.create(group=group, user_id=bob.pk)
    role = Role.objects.get(name="Editor")
    Binding.objects.create(type=BindingType.GROUP, external_id=group.pk, role=role, namespace="other")
    assert can(bob, "FLOW", "UPDATE", "other.x")
    assert can(bob, "FLOW", "READ", "company.team")
    assert not can(bob, "FLOW", "UPDATE", "company.team")
    assert visible_namespaces(bob, "FLOW") == ["company.team", "other"]


def test_a_stranger_has_nothing_and_no_access(in_alpha: Tenant, charlie: User) -> None:
    assert not has_access(charlie)
    assert permission_map(charlie) == {}
    assert visible_namespaces(charlie, "FLOW") == []
    with pytest.raises(Forbidden, match=r"FLOW READ in a\.b"):
        check_can(charlie, "FLOW", "READ", "a.b")


def test_rights_of_one_tenant_are_not_those_of_another(in_alpha: Tenant, alice: User) -> None:
    assert can(alice, "FLOW", "READ", "a")
    with tenant_scope("beta"):
        assert not can(alice, "FLOW", "READ", "a"), "the answer of alpha must not be remembered for beta"
        assert not has_access(alice)


def test_being_added_or_in_a_group_is_access_without_rights(in_alpha: Tenant) -> None:
    added, grouped = make_user("added@example.com"), make_user("grouped@example.com")
    TenantAccess.objects.create(pk=added.pk)
    GroupMember.objects.create(group=Group.objects.create(name="g"), user_id=grouped.pk)
    for user in (added, grouped):
        assert has_access(user)
        assert permission_map(user) == {}


def test_super_admin_manages_people_but_sees_no_flow(in_alpha: Tenant) -> None:
    root = make_super_admin()
    assert can(root, "USER", "CREATE")
    assert can(root, "BINDING", "DELETE")
    assert not can(root, "FLOW", "READ")
    assert not can(root, "EXECUTION", "READ", "a.b")
    assert visible_namespaces(root, "FLOW") == []


def test_inactive_person_may_nothing(in_alpha: Tenant, alice: User) -> None:
    alice.is_active = False
    assert not can(alice, "FLOW", "READ", "a")
    assert not has_access(alice)


def test_questions_about_one_person_cost_one_query(in_alpha: Tenant) -> None:
    alice = person("alice")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        for namespace in ("a", "b", "c"):
            assert can(alice, "FLOW", "READ", namespace)
        assert visible_namespaces(alice, "FLOW") is None
    assert len(asked) == 1


def test_visible_namespaces_narrow_a_query(in_alpha: Tenant, bob: User) -> None:
    role = Role.objects.get(name="Viewer")
    carl = make_user("carl@example.com")
    for namespace in ("company.team", "company.team.a", "company.teammates", "company", None):
        bind(carl, role, namespace=namespace)
    rows = Binding.objects.filter(external_id=carl.pk)
    seen = rows.filter(visible_within(visible_namespaces(bob, "FLOW"))).values_list("namespace", flat=True)
    assert set(seen) == {"company.team", "company.team.a"}
    assert rows.filter(visible_within(None)).count() == 5
    assert rows.filter(visible_within([])).count() == 0


def test_every_tenant_begins_with_the_managed_roles(in_alpha: Tenant) -> None:
    roles = {role.name: role for role in Role.objects.filter(is_managed=True)}
    assert (
        set(roles)
        == {managed.name for managed in MANAGED_ROLES}
        == {
            "Admin",
            "Developer",
            "Editor",
            "Launcher",
            "Viewer",
        }
    )
    assert set(roles["Admin"].permissions) == set(Permission)
    assert roles["Launcher"].permissions["EXECUTION"] == ["CREATE", "READ", "UPDATE"]
    assert "SECRET" not in roles["Editor"].permissions
    assert all(actions == ["READ"] for actions in roles["Viewer"].permissions.values())
