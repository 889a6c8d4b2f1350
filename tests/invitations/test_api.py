"""Invitations over REST: who may invite, what may be given, and what became of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.clock import now
from apps.invitations.models import Invitation
from apps.invitations.selectors import GUESSES
from apps.rbac.models import Role
from apps.rbac.services.groups import save_group
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import bind, grant, make_role, make_super_admin, make_user
from tests.support.api_client import ApiClient
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db
Invite = Callable[..., Invitation]
Ids = Callable[[str], str]
NEW = {"firstName": "Priya", "lastName": "Nair", "password": PASSWORD}
FLOW = "id: hello\nnamespace: {}\ntasks:\n  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hi}}\n"


def test_a_copied_link_gives_exactly_the_preset_role_in_one_namespace(invite: Invite, settings: object) -> None:
    link = invite("Priya@Example.com", ("Editor", "company.team")).link
    assert link.startswith("http://localhost:8080/ui/invite/")
    made = ApiClient(tenant=None).post(f"/invitation/create/{link.rpartition('/')[2]}", NEW)
    assert made.status_code == 200, made.content
    assert made.json()["username"] == "priya@example.com"

    priya = ApiClient(User.objects.get(username="priya@example.com"))
    assert priya.post("/flows", FLOW.format("company.team")).status_code == 200
    assert priya.post("/flows", FLOW.format("company.team.sub")).status_code == 200
    assert priya.post("/flows", FLOW.format("company.payroll")).status_code == 403
    assert priya.post("/flows", FLOW.format("company")).status_code == 403
    assert priya.get("/namespaces/company.team/secrets").status_code == 403, "an Editor sees no secrets"
    assert priya.get("/users/search").status_code == 403
    assert priya.post("/invitations", {"email": "x@example.com"}).status_code == 403
    found = {flow["namespace"] for flow in priya.get("/flows/search").json()["results"]}
    assert found == {"company.team", "company.team.sub"}
    assert (
        ApiClient(User.objects.get(username="priya@example.com"), tenant="beta").get("/flows/search").status_code == 404
    )


def test_a_link_works_once(invite: Invite) -> None:
    invitation = invite("priya@example.com", ("Viewer", ""))
    nobody = ApiClient(tenant=None)
    assert nobody.post(f"/invitation/create/{invitation.id}", NEW).status_code == 200
    again = nobody.post(f"/invitation/create/{invitation.id}", NEW | {"password": "Other-passw0rd"})
    assert again.status_code == 409
    assert "accepted" in again.json()["message"]
    assert User.objects.get(username="priya@example.com").check_password(PASSWORD)


def test_a_person_who_is_known_sees_it_and_accepts_it(
    invite: Invite, alice: User, bob: User, charlie: User, alpha: Tenant
) -> None:
    invitation = invite("charlie@example.com", ("Launcher", "company.team"))
    mine = ApiClient(charlie, tenant=None).get("/me/invitations").json()
    assert [one["id"] for one in mine] == [invitation.id]
    assert ApiClient(bob, tenant=None).get("/me/invitations").json() == []

    wrong = ApiClient(bob, tenant=None).post(f"/invitation/accept/{invitation.id}")
    assert (wrong.status_code, "another account" in wrong.json()["message"]) == (403, True)
    assert ApiClient(tenant=None).post(f"/invitation/accept/{invitation.id}").status_code == 401
    known = ApiClient(tenant=None).post(f"/invitation/create/{invitation.id}", NEW)
    assert (known.status_code, "sign in" in known.json()["message"]) == (409, True)

    accepted = ApiClient(charlie, tenant=None).post(f"/invitation/accept/{invitation.id}")
    assert accepted.status_code == 200, accepted.content
    assert accepted.json()["status"] == "ACCEPTED"
    assert accepted.json()["acceptedAt"]
    assert ApiClient(charlie).get("/flows/search").status_code == 200
    assert ApiClient(charlie, tenant=None).get("/me/invitations").json() == []
    with tenant_scope("alpha"):
        entries = AuditEntry.objects.filter(resource="Invitation").order_by("id")
        assert [(one.type, one.user_name) for one in entries] == [
            ("CREATE", "alice@example.com"), ("UPDATE", "charlie@example.com"),
        ]  # fmt: skip


def test_only_holders_of_user_create_invite(bob: User, charlie: User, alpha: Tenant) -> None:
    body = {"email": "priya@example.com"}
    assert ApiClient(bob).post("/invitations", body).status_code == 403
    assert ApiClient(charlie).post("/invitations", body).status_code == 404
    assert ApiClient().post("/invitations", body).status_code == 401
    with tenant_scope("alpha"):
        grant(bob, "USER:CREATE")
    assert ApiClient(bob).post("/invitations", body).status_code == 200


def test_nobody_gives_more_than_he_has(bob: User, alpha: Tenant, role: Ids) -> None:
    with tenant_scope("alpha"):
        grant(bob, "USER:CREATE", "BINDING:CREATE", "FLOW:READ", "GROUP:UPDATE")
        grant(bob, "EXECUTION:READ", namespace="company.team")
        reads = make_role("Reads flows", {"FLOW": ["READ"]})
        runs = make_role("Reads runs", {"EXECUTION": ["READ"]})
        powerful = save_group(acting_user=bob, name="Powerful")
        harmless = save_group(acting_user=bob, name="Harmless")
        bind_group(powerful.pk, Role.objects.get(name="Admin"))
    inviter = ApiClient(bob)

    def send(**preset: object) -> int:
        status: int = inviter.post("/invitations", {"email": "priya@example.com", **preset}).status_code
        return status

    assert send(bindings=[{"roleId": role("Admin")}]) == 403, "a role with more rights"
    assert send(bindings=[{"roleId": role("Admin"), "namespaceId": "company.team"}]) == 403
    assert send(roles=[{"id": role("Admin"), "namespaces": ["company.team"]}]) == 403, "nor by the later form"
    assert send(bindings=[{"roleId": runs.pk}]) == 403, "a namespace above his own"
    assert send(bindings=[{"roleId": runs.pk, "namespaceId": "company"}]) == 403
    assert send(groupIds=[powerful.pk]) == 403, "nor through a group"
    assert send(superAdmin=True) in {403, 422}
    assert not Invitation.objects.exists()
    assert send(bindings=[{"roleId": reads.pk}], groupIds=[harmless.pk]) == 200


def bind_group(group_id: str, role: Role) -> None:
    role.bindings.create(type="GROUP", external_id=group_id)


def test_what_the_inviter_lost_since_is_not_given(bob: User, alpha: Tenant) -> None:
    with tenant_scope("alpha"):
        held = grant(bob, "USER:CREATE", "BINDING:CREATE", "FLOW:DELETE")
        deletes = make_role("Deletes flows", {"FLOW": ["DELETE"]})
    sent = ApiClient(bob).post("/invitations", {"email": "p@example.com", "bindings": [{"roleId": deletes.pk}]})
    assert sent.status_code == 200, sent.content
    with tenant_scope("alpha"):
        held.delete()
    refused = ApiClient(tenant=None).post(f"/invitation/create/{sent.json()['id']}", NEW)
    assert (refused.status_code, "new invitation" in refused.json()["message"]) == (409, True)
    assert not User.objects.filter(username="p@example.com").exists()


def test_a_second_invitation_replaces_the_first(invite: Invite, alice: User) -> None:
    first, second = invite("priya@example.com", ("Admin", "")), invite("PRIYA@example.com", ("Viewer", ""))
    shown = {one["id"]: one for one in ApiClient(alice).get("/invitations/email/priya@example.com").json()}
    assert (shown[first.id]["status"], shown[first.id]["isExpired"]) == ("REVOKED", True)
    assert "link" not in shown[first.id]
    assert (shown[second.id]["status"], shown[second.id]["isExpired"]) == ("PENDING", False)
    nobody = ApiClient(tenant=None)
    assert nobody.post(f"/invitation/create/{first.id}", NEW).status_code == 409
    assert nobody.post(f"/invitation/create/{second.id}", NEW).status_code == 200


def test_an_invitation_expires_after_seven_days_and_can_be_sent_again(invite: Invite, alice: User) -> None:
    invitation = invite("priya@example.com")
    nobody = ApiClient(tenant=None)
    with time_machine.travel(now() + timedelta(days=7, seconds=1)):
        assert nobody.post(f"/invitation/create/{invitation.id}", NEW).status_code == 410
        [found] = ApiClient(alice).get("/invitations/search", status="EXPIRED").json()["results"]
        assert (found["id"], found["isExpired"], found["status"]) == (invitation.id, True, "PENDING")
        assert ApiClient(alice).get("/invitations/search", status="PENDING").json()["total"] == 0
        assert ApiClient(alice).post(f"/invitations/{invitation.id}/resend").status_code == 200
        assert ApiClient(alice).post(f"/invitations/{invitation.id}/resend").status_code == 429
        assert nobody.post(f"/invitation/create/{invitation.id}", NEW).status_code == 200


def test_a_revoked_link_is_dead_and_an_invitation_belongs_to_its_tenant(
    invite: Invite, alice: User, charlie: User
) -> None:
    invitation = invite("priya@example.com")
    beta = ApiClient(charlie, tenant="beta")
    assert beta.get(f"/invitations/{invitation.id}").status_code == 404
    assert beta.delete(f"/invitations/{invitation.id}").status_code == 404
    assert beta.get("/invitations/search").json()["total"] == 0
    assert ApiClient(alice).delete(f"/invitations/{invitation.id}").status_code == 204
    assert ApiClient(alice).delete(f"/invitations/{invitation.id}").status_code == 409
    assert ApiClient(tenant=None).post(f"/invitation/create/{invitation.id}", NEW).status_code == 409


def test_bad_input_is_told_and_keeps_nothing(alice: User, role: Ids) -> None:
    inviter = ApiClient(alice)
    assert inviter.post("/invitations", {"email": "no address"}).status_code == 422
    assert inviter.post("/invitations", {"email": "p@example.com", "bindings": [{"roleId": "x"}]}).status_code == 422
    bad = {"email": "p@example.com", "bindings": [{"roleId": role("Viewer"), "namespaceId": "no namespace!"}]}
    assert inviter.post("/invitations", bad).status_code == 422
    assert inviter.get("/invitations/search", status="NONE").status_code == 422
    assert not Invitation.objects.exists()


def test_a_weak_password_leaves_the_link_good(invite: Invite) -> None:
    invitation = invite("priya@example.com")
    nobody = ApiClient(tenant=None)
    assert nobody.post(f"/invitation/create/{invitation.id}", NEW | {"password": "weak"}).status_code == 422
    assert nobody.post(f"/invitation/create/{invitation.id}", NEW).status_code == 200


def test_links_cannot_be_guessed(db: None, invite: Invite) -> None:
    nobody = ApiClient(tenant=None)
    good = invite("priya@example.com")
    for _ in range(GUESSES):
        assert nobody.post(f"/invitation/create/{'0' * 22}", NEW).status_code == 404
    assert nobody.post(f"/invitation/create/{good.id}", NEW).status_code == 429
    with time_machine.travel(now() + timedelta(minutes=11)):
        assert nobody.post(f"/invitation/create/{good.id}", NEW).status_code == 200


def test_a_super_admin_invites_to_any_tenant_and_to_the_installation(alpha: Tenant, alice: User) -> None:
    root = ApiClient(make_super_admin(), tenant=None)
    to_alpha = root.post("/tenants/alpha/invitations", {"email": "one@example.com"})
    assert to_alpha.json()["tenantId"] == "alpha"
    instance = root.post("/tenants/invitations", {"email": "two@example.com", "superAdmin": True})
    assert instance.status_code == 200, instance.content
    assert "tenantId" not in instance.json()
    assert root.get("/tenants/invitations/search").json()["total"] == 2
    assert ApiClient(tenant=None).post(f"/invitation/create/{instance.json()['id']}", NEW).status_code == 200
    assert User.objects.get(username="two@example.com").is_super_admin
    assert ApiClient(alice, tenant=None).get("/tenants/invitations/search").status_code == 403
    assert ApiClient(alice, tenant=None).post("/tenants/invitations", {"email": "x@example.com"}).status_code == 403


def test_an_account_that_is_switched_off_is_not_invited(alice: User) -> None:
    make_user("gone@example.com", is_active=False)
    assert ApiClient(alice).post("/invitations", {"email": "gone@example.com"}).status_code == 422


def test_preset_groups_are_joined_and_what_is_held_already_does_no_harm(
    invite: Invite, alice: User, bob: User, alpha: Tenant, role: Ids
) -> None:
    with tenant_scope("alpha"):
        group = save_group(acting_user=alice, name="Analytics")
        bind(bob, Role.objects.get(name="Editor"), namespace="company.sales")
    invitation = invite("bob@example.com", ("Editor", "company.sales"), groupIds=[group.pk])
    assert ApiClient(bob, tenant=None).post(f"/invitation/accept/{invitation.id}").status_code == 200
    with tenant_scope("alpha"):
        assert group.members.filter(user_id=bob.pk).exists()
