"""Second factors: enrolled, asked for, used once, required, reset."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.accounts.selectors import is_locked_out
from apps.accounts.services.second_factor import add_authenticator_app
from apps.accounts.services.tokens import create_api_token
from apps.audit.models import AuditEntry
from apps.tenants.models import Tenant
from tests.accounts.test_authentication import WHO, basic, bearer
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.pages import Shown
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_of(secret: str, clock: time_machine.Traveller) -> str:
    """What the app shows now."""
    import time

    return format_hotp_value(hotp_value(secret.replace(" ", ""), int(time.time()) // 30))


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as made:
        yield made


@pytest.fixture
def codes(alice: User, clock: time_machine.Traveller) -> list[str]:
    """Alice has an authenticator app; these are her recovery codes. The code of now was used to enrol."""
    made = add_authenticator_app(user=alice, secret=SECRET, code=code_of(SECRET, clock))
    clock.shift(timedelta(seconds=90))
    return made


def give_password(client: Client, **fields: str) -> Shown:
    return Shown(client.post("/ui/login", {"username": "alice@example.com", "password": PASSWORD, **fields}))


def give_code(client: Client, code: str) -> Shown:
    return Shown(client.post("/ui/login/mfa", {"code": code}))


def test_an_app_is_enrolled_on_the_page_and_its_secret_is_sealed(alice: User, clock: time_machine.Traveller) -> None:
    client = Client()
    client.force_login(alice)
    page = Shown(client.get("/ui/login/mfa/setup", query_params={"next": "/ui/alpha/flows"}))
    secret = re.search(r'class="secret-key">([A-Z2-7 ]+)<', page.html)
    assert secret is not None
    assert "data:image/svg+xml;base64," in page.html
    wrong = Shown(client.post("/ui/login/mfa/setup", {"code": "000000"}))
    assert wrong.status == 422
    assert secret[1] in wrong.html, "the key on the page stays the one that was scanned"
    done = Shown(client.post("/ui/login/mfa/setup", {"code": code_of(secret[1], clock), "next": "/ui/alpha/flows"}))
    assert len(re.findall(r"<li><code>\d{8}</code>", done.html)) == 10
    assert 'href="/ui/alpha/flows"' in done.html
    stored = str(Authenticator.objects.filter(user=alice).values_list("data", flat=True)[0])
    assert secret[1].replace(" ", "") not in stored
    assert User.objects.get(pk=alice.pk).second_factor
    assert AuditEntry.objects.filter(detail__change="authenticator app added").count() == 1


def test_the_password_alone_opens_nothing(codes: list[str], clock: time_machine.Traveller) -> None:
    client = Client()
    assert give_password(client, next="/ui/alpha/flows").location == "/ui/login/mfa"
    assert client.get("/ui/alpha/flows").status_code == 302
    assert client.get(WHO).status_code == 401
    assert give_code(client, "000000").status == 401
    assert give_code(client, code_of(SECRET, clock)).location == "/ui/alpha/flows"
    assert client.get("/ui/alpha/flows").status_code == 200


def test_a_code_opens_once(codes: list[str], clock: time_machine.Traveller) -> None:
    code = code_of(SECRET, clock)
    first, second = Client(), Client()
    give_password(first)
    give_password(second)
    assert give_code(first, code[:3] + " " + code[3:]).location == "/ui/"
    assert give_code(second, code).status == 401


def test_a_recovery_code_opens_once(codes: list[str]) -> None:
    for expected in (302, 401):
        client = Client()
        give_password(client)
        assert give_code(client, codes[3]).status == expected


def test_the_step_between_is_over_after_ten_minutes_or_with_another_password(
    alice: User, codes: list[str], clock: time_machine.Traveller
) -> None:
    client, other = Client(), Client()
    give_password(client)
    give_password(other)
    clock.shift(timedelta(minutes=5))
    user = User.objects.get(pk=alice.pk)
    user.set_password("Another-Passw0rd")
    user.save()
    assert give_code(other, code_of(SECRET, clock)).location == "/ui/login"
    clock.shift(timedelta(minutes=6))
    assert give_code(client, code_of(SECRET, clock)).location == "/ui/login"
    assert Client().get("/ui/login/mfa").headers["Location"] == "/ui/login"


def test_guessing_codes_locks_them_and_the_right_password_does_not_start_the_count_anew(
    codes: list[str], settings: Settings, clock: time_machine.Traveller
) -> None:
    settings.KESTRA_SIGN_IN_THRESHOLD = 4
    for _ in range(2):
        client = Client()
        assert give_password(client).location == "/ui/login/mfa"
        give_code(client, "000000")
        give_code(client, "111111")
    assert is_locked_out("code of alice@example.com")
    assert give_code(client, code_of(SECRET, clock)).status == 429


def test_programs_send_the_code_with_the_password_or_a_token(
    alice: User, codes: list[str], clock: time_machine.Traveller
) -> None:
    given = {"username": "alice@example.com", "password": PASSWORD}
    refused = Client().post("/login", given, content_type="application/json")
    assert refused.status_code == 401
    assert "second factor" in refused.json()["message"]
    opened = Client().post("/login", {**given, "code": code_of(SECRET, clock)}, content_type="application/json")
    assert opened.status_code == 200
    assert Client().get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 401
    _, full = create_api_token(acting_user=alice, user=alice, name="ci")
    assert Client().get(WHO, headers=bearer(full)).status_code == 200


def test_basic_that_was_verified_before_ends_with_the_first_factor(alice: User, clock: time_machine.Traveller) -> None:
    headers = basic("alice@example.com", PASSWORD)
    assert Client().get(WHO, headers=headers).status_code == 200
    add_authenticator_app(user=User.objects.get(pk=alice.pk), secret=SECRET, code=code_of(SECRET, clock))
    assert Client().get(WHO, headers=headers).status_code == 401


@pytest.mark.parametrize("wanted", ["everyone", "super-admins", "tenant"])
def test_where_it_is_required_the_way_leads_to_the_enrolment(
    alice: User, alpha: Tenant, settings: Settings, clock: time_machine.Traveller, wanted: str
) -> None:
    who, path = alice, "/ui/alpha/flows"
    if wanted == "tenant":
        Tenant.objects.filter(pk="alpha").update(mfa_required=True)
    else:
        settings.KESTRA_SECOND_FACTOR = wanted
    if wanted == "super-admins":
        who, path = make_super_admin(), "/admin/"
    client = Client()
    client.force_login(who)
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/ui/login/mfa/setup?required=1&next=%2F")
    refused = client.get("/api/v1/tenants/search" if wanted == "super-admins" else WHO)
    assert refused.status_code == 403
    assert "second factor" in refused.json()["message"]
    add_authenticator_app(user=who, secret=SECRET, code=code_of(SECRET, clock))
    assert client.get(path).status_code == 200
    assert client.get("/api/v1/tenants/search" if wanted == "super-admins" else WHO).status_code == 200


def test_a_super_admin_resets_it_and_nobody_else(alice: User, bob: User, codes: list[str]) -> None:
    path = f"/users/{alice.id}/second-factor"
    assert ApiClient(bob, tenant=None).delete(path).status_code == 403
    assert ApiClient(make_super_admin(), tenant=None).delete(path).status_code == 200
    client = Client()
    assert give_password(client).location == "/ui/"
    assert not Authenticator.objects.filter(user=alice).exists()


def test_django_s_own_sign_in_is_no_way_round(codes: list[str]) -> None:
    answer = Client().get("/admin/login/", query_params={"next": "/admin/"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/ui/login?next=%2Fadmin%2F"
    sent = Client().post("/admin/login/", {"username": "alice@example.com", "password": PASSWORD})
    assert sent.headers["Location"].startswith("/ui/login")
    assert "kestra_session" not in sent.cookies
