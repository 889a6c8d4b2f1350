"""Roles, groups, bindings and people over the API."""

from collections.abc import Callable
from typing import Any

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.rbac.decisions import can
from apps.rbac.models import Binding, Role
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import grant, make_super_admin, make_user
from tests.support.api_client import ApiClient
from tests.support.world import person

Api = Callable[..., ApiClient]


def role_of(client: ApiClient, name: str) -> Any:
    return client.get("/roles/search", q=name).json()["results"][0]


def test_role_is_made_changed_listed_and_deleted(in_alpha: Tenant, alice: User, api: Api) -> None:
    client = api(alice)
    body = {"name": "Runner", "description": "runs", "permissions": {"EXECUTION": ["UPDATE", "CREATE"]}}
    made = client.post("/roles", body).json()
    assert made["permissions"] == {"EXECUTION": ["CREATE", "UPDATE"]}
    assert (made["isManaged"], made["isDefault"]) == (False, False)
    assert client.post("/roles", {**body, "name": "RUNNER"}).status_code == 409
    changed = client.put(f"/roles/{made['id']}", {**body, "isDefault": True}).json()
    assert changed["isDefault"] is True
    assert [row["name"] for row in client.get("/roles/search", sort="name:desc", size=2).json()["results"]] == [
        "Viewer",
        "Runner",
    ]
    assert client.post("/roles/ids", {"ids": [made["id"], "nonsense"]}).json()[0]["id"] == made["id"]
    assert client.post("/roles/autocomplete", {"q": "runn"}).json()[0]["name"] == "Runner"
    assert client.delete(f"/roles/{made['id']}").status_code == 204
    assert client.get(f"/roles/{made['id']}").status_code == 404
    assert list(
        AuditEntry.objects.filter(resource="Role", detail__id=made["id"]).order_by("id").values_list("type", flat=True)
    ) == ["CREATE", "UPDATE", "DELETE"]


def test_bad_role_names_every_problem(in_alpha: Tenant, alice: User, api: Api) -> None:
    client = api(alice)
    answer = client.post("/roles", {"name": "x", "permissions": {"FLOWS": ["READ"], "KVSTORE": ["LOOK"]}})
    assert answer.status_code == 422
    errors = {error["path"]: error["message"] for error in answer.json()["_embedded"]["errors"]}
    assert "did you mean FLOW?" in errors["permissions.FLOWS"]
    assert "no action 'LOOK'" in errors["permissions.KVSTORE"]
    assert client.post("/roles", {"permissions": {}}).json()["_embedded"]["errors"][0]["path"] == "name"
    assert client.post("/roles", "no: json").status_code == 422


def test_managed_role_cannot_be_changed(in_alpha: Tenant, alice: User, api: Api) -> None:
    client = api(alice)
    admin = role_of(client, "Admin")
    assert client.put(f"/roles/{admin['id']}", {"name": "Admin", "permissions": {}}).status_code == 409
    assert client.delete(f"/roles/{admin['id']}").status_code == 409


def test_nobody_gives_more_than_he_has(in_alpha: Tenant, bob: User, api: Api) -> None:
    """Else the right to write roles or bindings would be the right to everything."""
    grant(bob, "ROLE:CREATE", "ROLE:READ", "BINDING:CREATE", "GROUP:UPDATE", "FLOW:READ")
    client = api(bob)
    assert client.post("/roles", {"name": "r1", "permissions": {"FLOW": ["READ"]}}).status_code == 200
    refused = client.post("/roles", {"name": "r2", "permissions": {"FLOW": ["READ", "DELETE"]}})
    assert refused.status_code == 403
    assert "FLOW DELETE" in refused.json()["message"]
    admin = role_of(client, "Admin")
    body = {"type": "USER", "externalId": bob.id, "roleId": admin["id"]}
    assert client.post("/bindings", body).status_code == 403
    assert client.post("/bindings/bulk", [body]).status_code == 403


def test_nobody_joins_a_group_that_has_more_than_he_has(in_alpha: Tenant, alice: User, bob: User, api: Api) -> None:
    grant(bob, "GROUP:UPDATE", "GROUP:READ")
    group = api(alice).post("/groups", {"name": "admins"}).json()
    admin = role_of(api(alice), "Admin")
    body = {"type": "GROUP", "externalId": group["id"], "roleId": admin["id"]}
    assert api(alice).post("/bindings", body).status_code == 200
    assert api(bob).put(f"/groups/{group['id']}/members/{bob.id}").status_code == 403
    assert api(alice).put(f"/groups/{group['id']}/members/{bob.id}").status_code == 200
    assert can(person("bob"), "SECRET", "DELETE", "any")


def test_binding_lets_in_and_its_end_shuts_out(in_alpha: Tenant, alice: User, api: Api) -> None:
    dora = make_user("dora@example.com")
    client = api(alice)
    editor = role_of(client, "Editor")
    assert api(dora).get("/roles/search").status_code == 404
    body = {"type": "USER", "externalId": dora.id, "roleId": editor["id"], "namespaceId": "company.team"}
    made = client.post("/bindings", body).json()
    assert made["binding"] == {**body, "id": made["binding"]["id"]}
    assert made["role"]["name"] == "Editor"
    assert made["user"]["username"] == "dora@example.com"
    assert client.post("/bindings", body).status_code == 409
    assert can(person("dora"), "FLOW", "CREATE", "company.team.x")
    found = client.get("/bindings/search", type="USER", id=dora.id).json()
    assert (found["total"], found["results"][0]["binding"]["id"]) == (1, made["binding"]["id"])
    assert api(dora).get("/roles/search").status_code == 403
    assert client.delete(f"/bindings/{made['binding']['id']}").status_code == 204
    assert api(dora).get("/roles/search").status_code == 404


def test_bulk_bindings_are_all_or_none(in_alpha: Tenant, alice: User, api: Api) -> None:
    dora = make_user("dora@example.com")
    client = api(alice)
    viewer = role_of(client, "Viewer")
    good = {"type": "USER", "externalId": dora.id, "roleId": viewer["id"], "namespaceId": "a"}
    assert client.post("/bindings/bulk", [good, {**good, "namespaceId": "Not One"}]).status_code == 422
    assert not Binding.objects.filter(external_id=dora.id).exists()
    assert len(client.post("/bindings/bulk", [good, {**good, "namespaceId": "b"}]).json()) == 2


def test_group_members_are_set_exactly_and_owners_manage_them(
    in_alpha: Tenant, alice: User, bob: User, api: Api
) -> None:
    dora = make_user("dora@example.com")
    client = api(alice)
    members = [{"userId": bob.id, "membership": "OWNER"}, {"userId": alice.id}]
    group = client.post("/groups", {"name": "team", "members": members}).json()
    assert client.get(f"/groups/{group['id']}/members").json()["total"] == 2
    client.put(f"/groups/{group['id']}", {"name": "team", "members": [{"userId": bob.id, "membership": "OWNER"}]})
    rows = client.get(f"/groups/{group['id']}/members").json()["results"]
    assert [row["username"] for row in rows] == ["bob@example.com"]
    assert rows[0]["groupList"] == [{"tenantId": "alpha", "groupId": group["id"], "membership": "OWNER"}]
    owner = api(bob)
    assert owner.put(f"/groups/{group['id']}/members/{dora.id}").status_code == 200, "an owner needs no permission"
    assert owner.put(f"/groups/{group['id']}", {"name": "mine"}).status_code == 403
    assert api(dora).put(f"/groups/{group['id']}/members/{alice.id}").status_code == 403
    assert owner.delete(f"/groups/{group['id']}/members/{dora.id}").status_code == 200
    assert client.delete(f"/groups/{group['id']}").status_code == 204


def test_person_is_made_or_let_in_and_removed_from_this_tenant_only(alice: User, charlie: User, api: Api) -> None:
    client = api(alice)
    made = client.post("/users", {"email": "Dora@Example.com", "firstName": "Dora", "password": "Passw0rd-1"}).json()
    assert (made["username"], made["type"]) == ("dora@example.com", "STANDARD")
    let_in = client.post("/users", {"username": "charlie@example.com", "password": "Taken-0ver"}).json()
    assert let_in["id"] == charlie.id
    assert not User.objects.get(pk=charlie.pk).check_password("Taken-0ver"), "a known person's password stays"
    assert client.get("/users/search", q="charlie").json()["total"] == 1
    assert client.put(f"/users/{charlie.id}", {"firstName": "Renamed"}).status_code == 403
    assert client.put(f"/users/{made['id']}", {"firstName": "Dorothea"}).json()["firstName"] == "Dorothea"
    assert client.delete(f"/users/{charlie.id}").status_code == 204
    assert client.get(f"/users/{charlie.id}").status_code == 404
    assert User.objects.filter(pk=charlie.pk).exists()
    with tenant_scope("beta"):
        assert can(person("charlie"), "FLOW", "DELETE")


def test_new_people_get_the_default_role(in_alpha: Tenant, alice: User, api: Api) -> None:
    Role.objects.create(name="Default", permissions={"DASHBOARD": ["READ"]}, is_default=True)
    made = api(alice).post("/users", {"username": "dora@example.com"}).json()
    account = api(alice).post("/service-accounts", {"name": "robot"}).json()
    assert can(person("dora"), "DASHBOARD", "READ")
    assert Binding.objects.filter(external_id=made["id"]).count() == 1
    assert not Binding.objects.filter(external_id=account["id"]).exists()


def test_service_account_is_deleted_with_its_tenant_s_access(in_alpha: Tenant, alice: User, api: Api) -> None:
    client = api(alice)
    made = client.post("/users/service-accounts", {"username": "robot", "groupList": []}).json()
    assert client.post("/service-accounts", {"name": "Not A Label"}).status_code == 422
    assert client.put(f"/service-accounts/{made['id']}", {"description": "new"}).json()["description"] == "new"
    assert client.get("/users/search", type="SERVICE_ACCOUNT").json()["total"] == 1
    assert client.get(f"/service-accounts/{alice.id}").status_code == 404
    assert client.delete(f"/service-accounts/{made['id']}").status_code == 204
    assert not User.objects.filter(pk=made["id"]).exists()


def test_super_admin_manages_people_of_a_tenant_and_of_all(in_alpha: Tenant, alice: User, bob: User, api: Api) -> None:
    root = make_super_admin()
    everywhere = api(root, tenant=None)
    assert everywhere.get("/users/search").json()["total"] == User.objects.count()
    assert api(root).get("/users/search").json()["total"] == 2
    assert everywhere.get("/tenants/alpha/roles/search").json()["total"] == Role.objects.count()
    assert everywhere.get("/tenants/beta/users/search").json()["total"] == 1
    assert api(alice, tenant=None).get("/tenants/beta/users/search").status_code == 404
    assert everywhere.put(f"/users/{bob.id}/password", {"password": "Fresh-Passw0rd"}).status_code == 200
    assert User.objects.get(pk=bob.pk).check_password("Fresh-Passw0rd")
    assert api(alice).put(f"/users/{bob.id}/password", {"password": "Fresh-Passw0rd"}).status_code == 403
    assert everywhere.put(f"/tenants/users/{bob.id}/set-superadmin", True).json()["superAdmin"] is True
    assert api(alice, tenant=None).patch(f"/users/{alice.id}/superadmin", {"superAdmin": True}).status_code == 403
    assert api(root).get("/audit" + "logs/search").status_code == 404, "its people, not what it does"


def test_me_tells_who_one_is_and_what_one_may(in_alpha: Tenant, bob: User, charlie: User, api: Api) -> None:
    mine = api(bob).get("/me").json()
    assert mine["user"]["username"] == "bob@example.com"
    assert [(row["role"]["name"], row["namespaceId"]) for row in mine["roles"]] == [("Viewer", "company.team")]
    assert mine["permissions"]["FLOW"] == ["READ"]
    assert mine["tenants"] == [{"id": "alpha", "name": "Alpha"}]
    stranger = api(charlie, tenant=None).get("/me").json()
    assert (stranger["roles"], [row["id"] for row in stranger["tenants"]]) == ([], ["beta"])
    assert api(charlie).get("/me").status_code == 404
    assert api(bob).patch("/me", {"firstName": "Robert", "type": "SUPER_ADMIN"}).json()["firstName"] == "Robert"
    assert not User.objects.get(pk=bob.pk).is_super_admin


def test_access_without_rights(in_alpha: Tenant, alice: User, charlie: User, api: Api) -> None:
    client = api(alice)
    assert client.put(f"/tenant-access/{charlie.id}").status_code == 200
    assert client.get("/tenant-access").json()["total"] == 3
    assert api(charlie).get("/roles/search").status_code == 403
    assert client.delete(f"/tenant-access/{charlie.id}").status_code == 204
    assert api(charlie).get("/roles/search").status_code == 404
