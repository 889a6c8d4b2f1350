"""The pages of who may what: seen by those who may, changed only as the API lets them, and every change audited."""

from __future__ import annotations

import re

import pytest

from apps.accounts.models import ApiToken, User, UserType
from apps.audit.models import AuditEntry
from apps.rbac.decisions import can
from apps.rbac.models import Binding, Group, Role
from apps.rbac.selectors import get_admin_role, named_role
from apps.tenants.models import Tenant
from tests.factories import bind, grant, make_role, make_user
from tests.support.api_client import ApiClient
from tests.support.pages import Pages
from tests.support.world import person

pytestmark = pytest.mark.django_db
IAM = "/admin/iam"


def test_the_first_view_is_one_the_person_may_open(in_alpha: Tenant, alice: User, bob: User) -> None:
    assert Pages(alice).get(IAM).location.endswith("/admin/iam/users")
    assert Pages(bob).get(IAM).status == 403
    bind(bob, get_admin_role(), namespace="company.team")
    assert Pages(bob).get(IAM).location.endswith("/admin/iam/roles")
    shown = Pages(bob).get(f"{IAM}/bindings")
    assert ("Service accounts" in shown.text, "Invitations" in shown.text) == (False, True)


def test_alice_adds_dora_gives_her_a_role_and_takes_it_away(in_alpha: Tenant, alice: User) -> None:
    pages = Pages(alice)
    made = pages.post(f"{IAM}/users", username="dora@example.com", first_name="Dora")
    dora = person("dora")
    assert made.location.endswith(f"/users/{dora.pk}")
    assert "Dora" in pages.get(f"{IAM}/users", q="dor").text
    where = f"{IAM}/users/{dora.pk}"
    launcher = named_role("Launcher")
    pages.post(where, do="bind", role=launcher.pk, namespaces="company.team, company.sales")
    assert can(person("dora"), "EXECUTION", "CREATE", "company.sales")
    held = Binding.objects.get(external_id=dora.pk, namespace="company.sales")
    pages.post(where, do="unbind", binding=held.pk)
    assert "is taken away" in pages.get(where).text
    assert not can(person("dora"), "EXECUTION", "CREATE", "company.sales")
    pages.post(where, do="remove")
    assert "dora@example.com" not in pages.get(f"{IAM}/users").text
    told = AuditEntry.objects.filter(user_id=alice.pk).values_list("resource", "type")
    assert {("User", "CREATE"), ("Binding", "CREATE"), ("Binding", "DELETE"), ("TenantAccess", "DELETE")} <= set(told)


def test_groups_have_owners_and_roles(in_alpha: Tenant, alice: User, bob: User) -> None:
    pages = Pages(alice)
    where = pages.post(f"{IAM}/groups", name="Night shift").location.removeprefix("/ui/alpha")
    group = Group.objects.get(name="Night shift")
    pages.post(where, do="add", username=bob.username)
    pages.post(where, do="membership", user=bob.pk, membership="OWNER")
    pages.post(where, do="bind", role=named_role("Viewer").pk, namespaces="company.sales")
    assert can(person("bob"), "FLOW", "READ", "company.sales")
    shown = pages.get(where)
    assert ("bob@example.com" in shown.text, "owner" in shown.text, "company.sales" in shown.text) == (True, True, True)
    pages.post(where, do="remove", user=bob.pk)
    assert not can(person("bob"), "FLOW", "READ", "company.sales")
    assert pages.post(where, do="delete").location.endswith("/groups")
    assert not Group.objects.filter(pk=group.pk).exists()
    assert not Binding.objects.filter(external_id=group.pk).exists()


def test_a_role_is_copied_changed_and_its_view_simulated(in_alpha: Tenant, alice: User) -> None:
    pages, viewer = Pages(alice), named_role("Viewer")
    assert "This role is managed" in pages.get(f"{IAM}/roles/{viewer.pk}").text
    form = pages.get(f"{IAM}/roles/new", **{"from": viewer.pk})
    allowed = re.findall(r'value="([A-Z_]+:[A-Z]+)"[^>]*checked', form.html)
    assert "FLOW:READ" in allowed
    pages.client.post(
        "/ui/alpha/admin/iam/roles", {"name": "Auditor", "allow": ["FLOW:READ", "AUDITLOG:READ"], "do": "save"}
    )
    role = Role.objects.get(name="Auditor")
    assert role.permissions == {"FLOW": ["READ"], "AUDITLOG": ["READ"]}
    shown = pages.get(f"{IAM}/roles/{role.pk}")
    assert "Audit log" in shown.text[shown.text.index("Who has only this role sees") :]
    taken = pages.client.post("/ui/alpha/admin/iam/roles", {"name": "auditor", "allow": ["FLOW:READ"], "do": "save"})
    assert (taken.status_code, "There is already a role" in taken.content.decode()) == (409, True)
    pages.post(f"{IAM}/roles/{role.pk}", do="delete")
    assert not Role.objects.filter(name="Auditor").exists()


def test_many_are_bound_at_once_or_none(in_alpha: Tenant, alice: User, bob: User) -> None:
    pages, role = Pages(alice), make_role("r", {"FLOW": ["READ"]})
    dora = make_user("dora@example.com")
    grant(dora, "DASHBOARD:READ")
    wrong = {"do": "bind", "role": role.pk, "namespaces": "a b", "people": "bob@example.com nobody@example.com"}
    pages.post(f"{IAM}/bindings", **wrong)
    assert not Binding.objects.filter(role=role).exists()
    pages.post(f"{IAM}/bindings", **{**wrong, "people": "bob@example.com\ndora@example.com"})
    assert Binding.objects.filter(role=role).count() == 4
    assert "4 in all" in pages.get(f"{IAM}/bindings", role=role.pk).text


def test_a_token_is_shown_once_and_works_until_it_is_revoked(in_alpha: Tenant, alice: User) -> None:
    pages = Pages(alice)
    where = pages.post(f"{IAM}/service-accounts", username="terraform-ci").location.removeprefix("/ui/alpha")
    robot = User.objects.get(username="terraform-ci", type=UserType.SERVICE_ACCOUNT)
    bind(robot, named_role("Viewer"))
    made = pages.post(where, do="token", name="pipeline", age="30")
    found = re.search(r'id="new-token">([^<]+)<', made.html)
    assert found is not None
    assert made.response.headers["Cache-Control"] == "no-store"
    assert found[1] not in pages.get(where).html
    headers = {"Authorization": f"Bearer {found[1]}"}
    asking = ApiClient().client
    assert asking.get("/api/v1/alpha/flows/search", headers=headers).status_code == 200
    pages.post(where, do="revoke", token=ApiToken.objects.get(name="pipeline").pk)
    assert asking.get("/api/v1/alpha/flows/search", headers=headers).status_code == 401


@pytest.mark.parametrize("do", ["join", "leave", "bind", "unbind", "remove", "revoke", "sign-out", "token"])
def test_who_only_looks_changes_nothing(in_alpha: Tenant, alice: User, bob: User, do: str) -> None:
    """Every button of the page, pressed by somebody who has USER READ and no more."""
    grant(bob, "USER:READ")
    before = Binding.objects.count()
    assert Pages(bob).get(f"{IAM}/users/{alice.pk}").status == 200
    given = {"role": get_admin_role().pk, "name": "x", "age": "7"}
    assert Pages(bob).post(f"{IAM}/users/{alice.pk}", do=do, **given).status == 403
    assert (Binding.objects.count(), ApiToken.objects.count()) == (before, 0)


def test_a_lead_gives_roles_in_his_namespace_by_the_page(in_alpha: Tenant, bob: User) -> None:
    lead = make_user("lead@example.com")
    bind(lead, get_admin_role(), namespace="company.team")
    pages, launcher = Pages(lead), named_role("Launcher")
    given = {"do": "bind", "role": launcher.pk, "people": bob.username}
    assert pages.post(f"{IAM}/bindings", namespaces="company.team.etl", **given).status == 302
    assert Binding.objects.filter(external_id=bob.pk, role=launcher).count() == 1
    assert pages.post(f"{IAM}/bindings", **given).status == 403, "the whole tenant"
    assert pages.post(f"{IAM}/bindings", namespaces="company.other", **given).status == 403
