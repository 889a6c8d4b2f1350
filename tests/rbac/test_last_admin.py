"""Nobody locks everyone out of a tenant, and everyone can be told why somebody may do something."""

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.common.errors import Forbidden, IllegalState
from apps.rbac.decisions import can, forget_grants
from apps.rbac.models import Binding, BindingType, Role
from apps.rbac.selectors import explain_permissions, get_admin_role, has_admin
from apps.rbac.services.bindings import create_binding, delete_binding, remove_access
from apps.rbac.services.groups import add_member, delete_group, remove_member, save_group
from apps.rbac.services.roles import save_role
from apps.tenants.models import Tenant
from tests.factories import bind, grant, make_super_admin, make_user
from tests.support.api_client import ApiClient
from tests.support.pages import Pages

Api = Callable[..., ApiClient]


def admin_binding(user: User) -> Binding:
    return Binding.objects.get(type=BindingType.USER, external_id=user.pk, role=get_admin_role())


def test_last_admin_cannot_take_his_own_role(in_alpha: Tenant, alice: User, api: Api) -> None:
    binding = admin_binding(alice)
    answer = api(alice).delete(f"/bindings/{binding.pk}")
    assert answer.status_code == 409
    assert "last Admin" in answer.json()["message"]
    assert api(alice).delete(f"/users/{alice.pk}").status_code == 409
    assert Binding.objects.filter(pk=binding.pk).exists()
    assert has_admin()


def test_with_another_admin_he_can(in_alpha: Tenant, alice: User, bob: User) -> None:
    bind(bob, get_admin_role())
    delete_binding(acting_user=alice, binding=admin_binding(alice))
    assert has_admin()
    forget_grants(bob)
    with pytest.raises(IllegalState, match="last Admin"):
        remove_access(acting_user=bob, user=bob)


def test_admin_who_is_disabled_or_a_service_account_does_not_count(in_alpha: Tenant, alice: User, bob: User) -> None:
    bind(bob, get_admin_role())
    bob.is_active = False
    bob.save(update_fields=["is_active"])
    robot = make_user("robot", type="SERVICE_ACCOUNT")
    bind(robot, get_admin_role())
    with pytest.raises(IllegalState, match="last Admin"):
        delete_binding(acting_user=alice, binding=admin_binding(alice))


def test_last_admin_through_a_group_stays_too(in_alpha: Tenant, alice: User, bob: User) -> None:
    group = save_group(acting_user=alice, name="Platform")
    create_binding(acting_user=alice, subject=BindingType.GROUP, subject_id=group.pk, role=get_admin_role())
    add_member(acting_user=alice, group=group, user=bob)
    delete_binding(acting_user=alice, binding=admin_binding(alice))
    with pytest.raises(IllegalState, match="last Admin"):
        remove_member(acting_user=bob, group=group, user=bob)
    with pytest.raises(IllegalState, match="last Admin"):
        delete_group(acting_user=bob, group=group)
    assert can(User.objects.get(pk=bob.pk), "BINDING", "CREATE")


def test_super_admin_may_take_the_last_one_since_he_can_bind_another(in_alpha: Tenant, alice: User) -> None:
    delete_binding(acting_user=make_super_admin(), binding=admin_binding(alice))
    assert not has_admin()


def test_binding_create_alone_binds_no_role_that_holds_more(in_alpha: Tenant, bob: User) -> None:
    """In Kestra BINDING CREATE binds any role, Admin to oneself too: here one gives only what one has."""
    grant(bob, "BINDING:CREATE", "ROLE:CREATE")
    forget_grants(bob)
    with pytest.raises(Forbidden, match="cannot give what you do not have"):
        create_binding(acting_user=bob, subject=BindingType.USER, subject_id=bob.pk, role=get_admin_role())
    with pytest.raises(Forbidden, match="cannot give what you do not have"):
        save_role(acting_user=bob, name="Mine", permissions={"SECRET": ["READ"]})


def test_every_reason_is_told(in_alpha: Tenant, alice: User, bob: User, api: Api) -> None:
    group = save_group(acting_user=alice, name="Team")
    create_binding(
        acting_user=alice, subject=BindingType.GROUP, subject_id=group.pk, role=Role.objects.get(name="Editor")
    )
    add_member(acting_user=alice, group=group, user=bob)
    found = explain_permissions(bob)
    assert [(reason.role, reason.namespace, reason.group) for reason in found["FLOW"]["READ"]] == [
        ("Viewer", "company.team", None),
        ("Editor", None, "Team"),
    ]
    assert [reason.role for reason in found["FLOW"]["DELETE"]] == ["Editor"]
    assert "SECRET" not in found
    assert [reason.role for reason in found["DASHBOARD"]["READ"]] == ["Editor"], "no dashboard for a namespace alone"
    answer = api(alice).get(f"/users/{bob.pk}/permissions").json()
    assert answer["FLOW"]["READ"][0]["namespace"] == "company.team"
    assert api(bob).get(f"/users/{bob.pk}/permissions").status_code == 403


def test_explanation_says_what_the_decision_says(in_alpha: Tenant, alice: User, bob: User) -> None:
    root = make_super_admin()
    grant(root, "FLOW:READ")
    for person in (alice, bob, root):
        forget_grants(person)
        found = explain_permissions(person)
        for permission in ("FLOW", "EXECUTION", "USER", "ROLE", "SECRET", "DASHBOARD", "INFRASTRUCTURE"):
            for action in ("CREATE", "READ", "UPDATE", "DELETE"):
                assert (action in found.get(permission, {})) == can(person, permission, action), (person, permission)


def test_page_of_a_person_shows_what_and_why(in_alpha: Tenant, alice: User, bob: User, charlie: User) -> None:
    shown = Pages(alice).get(f"/admin/iam/users/{bob.pk}")
    assert shown.status == 200
    assert "Viewer in company.team" in shown.text
    assert Pages(alice).get(f"/admin/iam/users/{charlie.pk}").status == 404
    assert Pages(bob).get(f"/admin/iam/users/{alice.pk}").status == 403
