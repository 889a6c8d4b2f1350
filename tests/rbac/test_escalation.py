"""Nobody gets more than he has: not by a role, a binding, an invitation, a group, a token or another person's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import ApiToken, User
from apps.invitations.models import Invitation
from apps.rbac.decisions import can, can_delegated
from apps.rbac.models import Binding, BindingType, Group, Role
from apps.rbac.selectors import get_admin_role, has_admin, named_role
from apps.rbac.services.people import create_service_account
from apps.tenants.models import Tenant
from tests.factories import bind, grant, make_role, make_user
from tests.support.api_client import ApiClient
from tests.support.pages import Pages
from tests.support.world import person

TEAM = "company.team"


@pytest.fixture
def lead(in_alpha: Tenant) -> User:
    """Admin of company.team, and of nothing else."""
    made = make_user("lead@example.com")
    bind(made, get_admin_role(), namespace=TEAM)
    return made


@pytest.fixture
def dora(in_alpha: Tenant) -> User:
    """In the tenant, without rights."""
    made = make_user("dora@example.com")
    grant(made, "DASHBOARD:READ")
    return made


def binding_of(user: User, role: Role, namespace: str | None) -> dict[str, Any]:
    return {"type": "USER", "externalId": user.pk, "roleId": role.pk, "namespaceId": namespace}


def test_an_admin_of_a_namespace_gives_there_and_below_what_he_holds(lead: User, dora: User) -> None:
    client, launcher = ApiClient(lead), named_role("Launcher")
    made = client.post("/bindings", binding_of(dora, launcher, f"{TEAM}.etl"))
    assert made.status_code == 200, made.content
    assert can(person("dora"), "EXECUTION", "CREATE", f"{TEAM}.etl")
    assert client.post("/bindings", binding_of(dora, get_admin_role(), TEAM)).status_code == 200
    assert client.delete(f"/bindings/{made.json()['binding']['id']}").status_code == 204


@pytest.mark.parametrize("namespace", [None, "company", "company.teams", "company.other"])
def test_and_nowhere_else(lead: User, dora: User, namespace: str | None) -> None:
    client = ApiClient(lead)
    refused = client.post("/bindings", binding_of(dora, named_role("Viewer"), namespace))
    assert refused.status_code == 403
    assert client.post("/bindings/bulk", [binding_of(lead, named_role("Viewer"), namespace)]).status_code == 403
    elsewhere = bind(dora, named_role("Viewer"), namespace=namespace)
    assert client.delete(f"/bindings/{elsewhere.pk}").status_code == 404, "he does not even see it"
    assert client.get(f"/bindings/{elsewhere.pk}").status_code == 404


def test_the_list_of_bindings_ends_at_his_namespace(lead: User, dora: User) -> None:
    bind(dora, named_role("Viewer"), namespace="company.other")
    bind(dora, named_role("Viewer"), namespace=f"{TEAM}.etl")
    shown = ApiClient(lead).get("/bindings/search", size=100).json()
    assert {row["binding"]["namespaceId"] for row in shown["results"]} == {TEAM, f"{TEAM}.etl"}
    assert shown["total"] == len(shown["results"]), "nor does the count tell more"


def test_he_gives_no_right_that_he_lacks_there(in_alpha: Tenant, bob: User, dora: User) -> None:
    grant(bob, "BINDING:CREATE", "FLOW:READ", namespace=TEAM)
    client = ApiClient(bob)
    assert client.post("/bindings", binding_of(dora, make_role("r", {"FLOW": ["READ"]}), TEAM)).status_code == 200
    refused = client.post("/bindings", binding_of(dora, named_role("Developer"), TEAM))
    assert refused.status_code == 403
    assert f"in {TEAM}" in refused.json()["message"]


def test_he_lets_no_stranger_into_the_tenant_by_a_binding(lead: User, charlie: User) -> None:
    assert ApiClient(lead).post("/bindings", binding_of(charlie, named_role("Viewer"), TEAM)).status_code == 404


def test_he_manages_nothing_of_the_tenant(lead: User, alice: User, bob: User) -> None:
    client = ApiClient(lead)
    assert client.get("/roles/search").status_code == 200, "roles are what he chooses from"
    refused = [
        client.post("/roles", {"name": "mine", "permissions": {"FLOW": ["READ"]}}),
        client.get("/users/search"),
        client.get(f"/users/{alice.pk}"),
        client.post("/users", {"username": "x@example.com"}),
        client.get("/groups/search"),
        client.post("/groups", {"name": "mine"}),
        client.post("/users/service-accounts", {"name": "robot"}),
        client.post(f"/users/{bob.pk}/impersonate"),
        client.get("/auditlogs/search"),
        client.get("/cluster/services/search"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    acting = client.client.get("/api/v1/alpha/me", headers={"X-Kestra-Impersonate": bob.username})
    assert acting.status_code == 403


def test_he_invites_to_roles_in_his_namespace_only(lead: User, alice: User) -> None:
    client, launcher = ApiClient(lead), named_role("Launcher")

    def send(**preset: Any) -> int:
        status: int = client.post("/invitations", {"email": "pat@example.com", **preset}).status_code
        return status

    group = Group.objects.create(name="everyone")
    assert send() == 403, "access to the tenant alone is not his to give"
    assert send(bindings=[{"roleId": launcher.pk}]) == 403
    assert send(bindings=[{"roleId": launcher.pk, "namespaceId": "company"}]) == 403
    both = [{"roleId": launcher.pk, "namespaceId": where} for where in (TEAM, "company.other")]
    assert send(bindings=both) == 403
    assert send(bindings=both[:1], groupIds=[group.pk]) == 403
    assert not Invitation.objects.exists()
    assert send(bindings=both[:1]) == 200
    ApiClient(alice).post("/invitations", {"email": "other@example.com"})
    shown = client.get("/invitations/search").json()["results"]
    assert [row["email"] for row in shown] == ["pat@example.com"], "those of others are not his business"
    theirs = Invitation.objects.get(email="other@example.com")
    assert client.get(f"/invitations/{theirs.pk}").status_code == 404
    assert client.delete(f"/invitations/{theirs.pk}").status_code == 404
    assert client.get("/invitations/email/other@example.com").json() == []
    page = Pages(lead).get("/admin/iam/invitations")
    assert ("pat@example.com" in page.text, "other@example.com" in page.text) == (True, False)
    assert Pages(lead).post(f"/admin/iam/invitations/{theirs.pk}/revoke").status == 404
    form = Pages(lead).get("/admin/iam/invitations/new")
    assert (TEAM in form.text, "everyone" in form.text) == (True, False)


def test_a_role_with_more_rights_is_neither_weakened_nor_deleted(in_alpha: Tenant, bob: User) -> None:
    grant(bob, "ROLE:UPDATE", "ROLE:DELETE", "FLOW:READ")
    strong = make_role("strong", {"SECRET": ["READ"]})
    client = ApiClient(bob)
    weaker = {"name": "strong", "permissions": {"FLOW": ["READ"]}}
    assert client.put(f"/roles/{strong.pk}", weaker).status_code == 403
    assert client.delete(f"/roles/{strong.pk}").status_code == 403
    assert Role.objects.get(pk=strong.pk).permissions == {"SECRET": ["READ"]}


def test_a_token_of_a_stronger_service_account_is_out_of_reach(in_alpha: Tenant, alice: User, bob: User) -> None:
    robot = create_service_account(acting_user=alice, name="robot")
    grant(bob, "USER:UPDATE", "USER:READ", "FLOW:READ")
    client, path = ApiClient(bob), f"/users/{robot.pk}/api-tokens"
    grant(robot, "FLOW:READ", namespace=TEAM)
    assert client.post(path, {"name": "first"}).status_code == 200
    bind(robot, get_admin_role())
    refused = client.post(path, {"name": "second"})
    assert (refused.status_code, "may more than you" in refused.json()["message"]) == (403, True)
    assert list(ApiToken.objects.filter(user=robot).values_list("name", flat=True)) == ["first"]
    assert ApiClient(alice).post(path, {"name": "second"}).status_code == 200


Take = Callable[[User, ApiClient], Any]


@pytest.mark.parametrize(
    "take",
    [
        lambda alice, client: client.delete(f"/users/{alice.pk}"),
        lambda alice, client: client.delete(f"/tenant-access/{alice.pk}"),
        lambda alice, client: client.delete(f"/bindings/{Binding.objects.get(external_id=alice.pk).pk}"),
        lambda alice, client: client.put(
            f"/roles/{get_admin_role().pk}", {"name": "Admin", "permissions": {"FLOW": ["READ"]}}
        ),
        lambda alice, client: client.delete(f"/roles/{get_admin_role().pk}"),
    ],
    ids=["user", "access", "binding", "role weakened", "role deleted"],
)
def test_the_last_admin_stays_by_every_route(in_alpha: Tenant, alice: User, take: Take) -> None:
    answer = take(alice, ApiClient(alice))
    assert answer.status_code == 409, answer.content
    assert has_admin()
    assert can_delegated(person("alice"), "BINDING", "CREATE", "")


@pytest.mark.parametrize("way", ["leave", "delete", "set"])
def test_also_when_he_is_one_through_a_group(in_alpha: Tenant, alice: User, way: str) -> None:
    group = Group.objects.create(name="admins")
    Binding.objects.filter(external_id=alice.pk).delete()
    Binding.objects.create(type=BindingType.GROUP, external_id=group.pk, role=get_admin_role())
    group.members.create(user_id=alice.pk)
    client = ApiClient(alice)
    answer = {
        "leave": lambda: client.delete(f"/groups/{group.pk}/members/{alice.pk}"),
        "delete": lambda: client.delete(f"/groups/{group.pk}"),
        "set": lambda: client.put(f"/users/{alice.pk}/groups", {"groupIds": []}),
    }[way]()
    assert answer.status_code == 409, answer.content
    assert has_admin()


def test_a_holder_of_the_audit_log_of_one_namespace_is_led_to_it(in_alpha: Tenant, bob: User) -> None:
    grant(bob, "AUDITLOG:READ", namespace=TEAM)
    address = f"/ui/alpha/admin/auditlogs?namespace={TEAM}"
    assert address in Pages(bob).get("/").links()
    assert Pages(bob).get("/admin/auditlogs", namespace=TEAM).status == 200
