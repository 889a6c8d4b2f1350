"""Single sign-on against a real provider: who that is here, what they may, and what is refused."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import IdentityProvider, User, UserType
from apps.accounts.services.providers import client_secret_of, save_provider
from apps.audit.models import AuditEntry
from apps.common.errors import Invalid
from apps.rbac.models import Group, GroupMember
from apps.rbac.selectors import tenants_with_access
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from tests.factories import make_role, make_super_admin
from tests.support.identity_provider import Provider, started_provider
from tests.support.pages import Shown

pytestmark = [pytest.mark.django_db, pytest.mark.process]
PEOPLE = [
    {
        "sub": "maya-1",
        "email": "maya@fjord.example",
        "email_verified": True,
        "given_name": "Maya",
        "family_name": "Lund",
        "groups": ["analysts", "others"],
    },
    {"sub": "alice-1", "email": "alice@example.com", "email_verified": True, "name": "Alice at Fjord"},
    {"sub": "alice-2", "email": "alice@example.com", "email_verified": False},
    {"sub": "nobody-1"},
]


@pytest.fixture(scope="module")
def fjord() -> Iterator[Provider]:
    with started_provider(PEOPLE) as provider:
        yield provider


@pytest.fixture
def row(db: None, fjord: Provider, settings: Settings) -> IdentityProvider:
    """The provider as a super admin has entered it."""
    settings.KESTRA_MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    made = IdentityProvider(
        name="fjord",
        label="Fjord SSO",
        issuer=fjord.issuer,
        client_id="kestra",
        domains=["Fjord.example"],
        group_mapping={"analysts": [{"tenant": "alpha", "group": "Analytics"}]},
    )
    return save_provider(acting_user=make_super_admin(), provider=made, client_secret="s3cret")


def go(client: Client, fjord: Provider, subject: str, **query: str) -> Shown:
    """From our button to the provider, and back."""
    start = client.get("/oauth/login/fjord", query_params=query)
    assert start.status_code == 302, start.content[:500]
    back = fjord.sign_in(start.headers["Location"], subject)
    return Shown(client.get(back.removeprefix("http://testserver")))


def test_the_way_there_carries_state_pkce_and_our_callback(row: IdentityProvider, fjord: Provider) -> None:
    address = Client().get("/oauth/login/fjord", query_params={"email": "maya@fjord.example"}).headers["Location"]
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(fjord.issuer)
    assert query["redirect_uri"] == "http://testserver/oauth/callback/fjord"
    assert (query["client_id"], query["response_type"], query["code_challenge_method"]) == ("kestra", "code", "S256")
    assert query["login_hint"] == "maya@fjord.example"
    assert query["state"] and query["code_challenge"]


def test_the_first_sign_in_makes_the_person_with_default_role_and_groups(
    row: IdentityProvider, fjord: Provider, alpha: Tenant, beta: Tenant
) -> None:
    with tenant_scope("alpha"):
        group = Group.objects.create(name="Analytics")
    with tenant_scope("beta"):
        make_role("Everyone", {"FLOW": ["READ"]}, is_default=True)
    client = Client()
    assert go(client, fjord, "maya-1", next="/ui/alpha/settings").location == "/ui/alpha/settings"
    maya = User.objects.get(username="maya@fjord.example")
    assert (maya.type, maya.full_name, maya.has_usable_password()) == (UserType.STANDARD, "Maya Lund", False)
    assert [(way["type"], way["name"]) for way in maya.auths] == [("OAUTH", "fjord")]
    with tenant_scope("alpha"):
        assert GroupMember.objects.filter(group=group, user_id=maya.pk).exists()
    assert [tenant.pk for tenant in tenants_with_access(maya)] == ["alpha", "beta"]
    assert client.get("/ui/beta/flows").status_code == 200
    assert AuditEntry.objects.get(type="LOGIN", user_id=maya.id).detail["way"] == "fjord"


def test_the_next_sign_in_is_the_same_person_and_groups_follow_the_claim(
    row: IdentityProvider, fjord: Provider, alpha: Tenant
) -> None:
    with tenant_scope("alpha"):
        analytics, platform = Group.objects.create(name="Analytics"), Group.objects.create(name="Platform")
    go(Client(), fjord, "maya-1")
    maya = User.objects.get(username="maya@fjord.example")
    with tenant_scope("alpha"):
        GroupMember.objects.create(group=platform, user_id=maya.pk)
    row.group_mapping = {"admins": [{"tenant": "alpha", "group": "analytics"}, {"tenant": "gone", "group": "x"}]}
    row.save()
    go(Client(), fjord, "maya-1")
    assert SocialAccount.objects.filter(user=maya).count() == 1
    with tenant_scope("alpha"):
        assert not GroupMember.objects.filter(group=analytics, user_id=maya.pk).exists(), "no longer in the claim"
        assert GroupMember.objects.filter(group=platform, user_id=maya.pk).exists(), "the mapping says nothing of it"


def test_without_any_access_the_person_is_told_so(row: IdentityProvider, fjord: Provider, alpha: Tenant) -> None:
    client = Client()
    assert go(client, fjord, "maya-1").location == "/ui/"
    page = Shown(client.get("/ui/"))
    assert page.status == 403
    assert "no access to any tenant yet" in page.text
    assert client.get("/ui/alpha/flows").status_code == 404


def test_an_account_with_the_e_mail_is_joined_only_when_it_is_verified(
    row: IdentityProvider, fjord: Provider, alice: User
) -> None:
    client = Client()
    refused = go(client, fjord, "alice-2")
    assert refused.status == 403
    assert "sign in with your password" in refused.text
    assert client.get("/ui/alpha/flows").status_code == 302
    assert go(Client(), fjord, "alice-1").location == "/ui/"
    ways = User.objects.get(pk=alice.pk).auths
    assert ways[-1] == {"uid": "fjord:alice-1", "type": "OAUTH", "name": "fjord"}


def test_a_provider_that_is_trusted_with_e_mails_joins_too(row: IdentityProvider, fjord: Provider, alice: User) -> None:
    row.trusts_email = True
    row.save()
    assert go(Client(), fjord, "alice-2").location == "/ui/"


def test_who_is_switched_off_or_has_no_e_mail_stays_outside(
    row: IdentityProvider, fjord: Provider, alice: User
) -> None:
    assert "did not tell your e-mail" in go(Client(), fjord, "nobody-1").text
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert "switched off" in go(Client(), fjord, "alice-1").text


def test_answers_that_were_not_asked_for_are_refused(row: IdentityProvider, fjord: Provider, alice: User) -> None:
    mine, other = Client(), Client()
    back = fjord.sign_in(mine.get("/oauth/login/fjord").headers["Location"], "alice-1")
    path = back.removeprefix("http://testserver")
    assert other.get(path).status_code == 403, "another browser's state"
    assert mine.get(path.replace("code=", "code=x")).status_code == 403, "a code the provider did not give"
    assert mine.get(path).status_code == 403, "each state is good once"
    assert mine.get("/ui/alpha/flows").status_code == 302
    denied = Client()
    back = fjord.deny(denied.get("/oauth/login/fjord").headers["Location"])
    page = Shown(denied.get(back.removeprefix("http://testserver")))
    assert page.status == 403
    assert "did not sign in" in page.text


def test_the_sign_in_page_shows_a_button_and_sends_the_domain_s_people_there(
    row: IdentityProvider, fjord: Provider
) -> None:
    page = Shown(Client().get("/ui/login", query_params={"next": "/ui/alpha/flows"}))
    assert "Continue with Fjord SSO" in page.text
    sent = Shown(Client().post("/ui/login", {"username": "Someone@Fjord.example", "next": "/ui/alpha/flows"}))
    assert sent.location == "/oauth/login/fjord?next=%2Fui%2Falpha%2Fflows&email=Someone%40Fjord.example"
    missing = Shown(Client().post("/ui/login", {"username": "someone@example.com"}))
    assert (missing.status, "The password is missing" in missing.text) == (422, True)
    assert Client().get("/api/v1/auths").json()["oauths"] == ["fjord"]


def test_a_provider_that_is_off_unknown_or_gone_is_told_plainly(row: IdentityProvider, fjord: Provider) -> None:
    assert Client().get("/oauth/login/other").status_code == 404
    row.issuer = "http://127.0.0.1:1"
    row.save()
    gone = Shown(Client().get("/oauth/login/fjord"))
    assert gone.status == 403
    assert "Fjord SSO does not answer" in gone.text
    IdentityProvider.objects.update(enabled=False)
    assert Client().get("/oauth/login/fjord").status_code == 404


def test_providers_of_the_settings_need_no_row(db: None, fjord: Provider, settings: Settings) -> None:
    given = {"issuer": fjord.issuer, "clientId": "kestra", "clientSecret": "x", "label": "From settings"}
    settings.KESTRA_IDENTITY_PROVIDERS = {"fjord": given}
    assert go(Client(), fjord, "maya-1").location == "/ui/"
    assert "Continue with From settings" in Client().get("/ui/login").content.decode()


def test_the_secret_is_sealed_kept_and_never_shown(row: IdentityProvider) -> None:
    stored: dict[str, Any] = IdentityProvider.objects.filter(pk="fjord").values().get()
    assert "s3cret" not in str(stored)
    row.label = "Fjord"
    save_provider(acting_user=User.objects.get(username="root@example.com"), provider=row)
    assert client_secret_of(IdentityProvider.objects.get()) == "s3cret"
    assert "s3cret" not in str(list(AuditEntry.objects.filter(resource="IdentityProvider").values()))
    row.domains, row.group_mapping, row.scopes = ["no domain"], {"a": ["b"]}, "email"
    with pytest.raises(Invalid) as wrong:
        save_provider(acting_user=User.objects.get(username="root@example.com"), provider=row)
    assert {problem.path for problem in wrong.value.problems} == {"domains", "groupMapping", "scopes"}
