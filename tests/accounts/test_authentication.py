"""How a request proves who it is from: session, Basic, Bearer."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts.models import ApiToken, SignInGuard, User, UserType
from apps.accounts.selectors import is_locked_out
from apps.accounts.services import create_api_token, forget_expired, set_password
from tests.factories import make_user
from tests.support.api_client import ApiClient
from tests.support.world import PASSWORD

WHO = "/api/v1/alpha/roles/search"


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_basic_password_opens_the_api(alice: User, client: Client) -> None:
    assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 200
    assert client.get(WHO, headers=basic("ALICE@example.com", PASSWORD)).status_code == 200


def test_wrong_or_broken_basic_is_401_in_the_api_s_shape(alice: User, client: Client) -> None:
    for headers in (
        basic("alice@example.com", "wrong"),
        basic("nobody@example.com", "x"),
        {"Authorization": "Basic %"},
    ):
        answer = client.get(WHO, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["message"].startswith("Unauthorized: ")
        assert answer.json()["_embedded"]["errors"][0]["message"]
    assert client.get(WHO).status_code == 401


def test_verified_password_is_not_hashed_again_within_a_minute(alice: User, client: Client) -> None:
    headers = basic("alice@example.com", PASSWORD)
    with patch("apps.accounts.authentication.check_sign_in", wraps=lambda **_: alice) as hashed:
        for _ in range(3):
            assert client.get(WHO, headers=headers).status_code == 200
        assert hashed.call_count == 1


def test_changed_password_ends_the_remembered_one(alice: User, client: Client) -> None:
    headers = basic("alice@example.com", PASSWORD)
    assert client.get(WHO, headers=headers).status_code == 200
    set_password(acting_user=alice, user=alice, password="Another-Passw0rd")
    assert client.get(WHO, headers=headers).status_code == 401
    assert client.get(WHO, headers=basic("alice@example.com", "Another-Passw0rd")).status_code == 200


def test_remembered_password_does_not_open_for_another_password(alice: User, client: Client) -> None:
    assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 200
    assert client.get(WHO, headers=basic("alice@example.com", PASSWORD + "x")).status_code == 401


def test_token_opens_the_api_and_only_its_digest_is_kept(alice: User, client: Client) -> None:
    token, full = create_api_token(acting_user=alice, user=alice, name="ci")
    assert client.get(WHO, headers=bearer(full)).status_code == 200
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert full not in str(row)
    assert full.startswith(row["prefix"])
    assert row["last_used"] is not None
    assert client.get(WHO, headers=bearer(full + "x")).status_code == 401


def test_expired_token_is_refused_and_an_extended_one_lives_by_use(alice: User, client: Client) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        _, short = create_api_token(acting_user=alice, user=alice, name="short", max_age=timedelta(hours=1))
        _, kept = create_api_token(
            acting_user=alice, user=alice, name="kept", max_age=timedelta(hours=1), extended=True
        )
        for _ in range(3):
            clock.shift(timedelta(minutes=50))
            assert client.get(WHO, headers=bearer(kept)).status_code == 200
        assert client.get(WHO, headers=bearer(short)).status_code == 401
        clock.shift(timedelta(minutes=61))
        assert client.get(WHO, headers=bearer(kept)).status_code == 401


def test_token_of_an_inactive_user_is_refused(alice: User, client: Client) -> None:
    _, full = create_api_token(acting_user=alice, user=alice, name="ci")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(WHO, headers=bearer(full)).status_code == 401
    assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 401


def test_ten_wrong_passwords_lock_the_name_for_half_an_hour(alice: User, client: Client) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        for _ in range(10):
            assert client.get(WHO, headers=basic("alice@example.com", "wrong")).status_code == 401
        assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 429
        answer = client.post("/login", {"username": "alice@example.com", "password": PASSWORD})
        assert answer.status_code == 429
        clock.shift(timedelta(minutes=31))
        assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 200


def test_wrong_passwords_far_apart_do_not_lock(alice: User, client: Client) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        for _ in range(12):
            assert client.get(WHO, headers=basic("alice@example.com", "wrong")).status_code == 401
            clock.shift(timedelta(minutes=6))
        assert client.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 200


@pytest.mark.parametrize("as_json", [True, False])
def test_login_starts_a_session_from_form_or_json(alice: User, client: Client, as_json: bool) -> None:
    given = {"username": "alice@example.com", "password": PASSWORD}
    extra: dict[str, Any] = {"content_type": "application/json"} if as_json else {}
    answer = client.post("/login", given, **extra)
    assert answer.status_code == 200
    assert answer.json()["username"] == "alice@example.com"
    assert client.get(WHO).status_code == 200
    assert client.post("/logout").status_code == 204
    assert client.get(WHO).status_code == 401


def test_login_as_urlencoded_form_and_with_wrong_password(alice: User, client: Client) -> None:
    body = f"username=alice%40example.com&password={PASSWORD}"
    assert client.post("/login", body, content_type="application/x-www-form-urlencoded").status_code == 200
    wrong = client.post("/login", {"username": "alice@example.com", "password": "x"})
    assert wrong.status_code == 401
    assert client.post("/login", "{", content_type="application/json").status_code == 422


def test_session_needs_a_csrf_token_to_write_and_basic_does_not(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    role = {"name": "r", "permissions": {}}
    url = "/api/v1/alpha/roles"
    assert browser.post(url, role, content_type="application/json").status_code == 403
    browser.cookies["csrftoken"] = "a" * 32
    assert (
        browser.post(url, role, content_type="application/json", headers={"X-CSRFToken": "a" * 32}).status_code == 200
    )
    script = Client(enforce_csrf_checks=True)
    role = {"name": "r2", "permissions": {}}
    headers = basic("alice@example.com", PASSWORD)
    assert script.post(url, role, content_type="application/json", headers=headers).status_code == 200
    assert Client(enforce_csrf_checks=True).post(url, role, content_type="application/json").status_code == 401


def test_service_account_has_no_password_and_lives_by_tokens(
    alice: User, api: Callable[..., ApiClient], client: Client
) -> None:
    made = api(alice).post("/service-accounts", {"name": "deployer"}).json()
    assert made["type"] == UserType.SERVICE_ACCOUNT
    created = api(alice).post(f"/service-accounts/{made['id']}/api-tokens", {"name": "ci", "maxAge": "P1D"}).json()
    assert set(created) == {"id", "name", "fullToken"}
    assert client.get(WHO, headers=bearer(created["fullToken"])).status_code == 403
    listed = api(alice).get(f"/service-accounts/{made['id']}/api-tokens").json()["results"][0]
    assert listed["prefix"] == created["fullToken"][: len(listed["prefix"])]
    assert "fullToken" not in listed
    assert api(alice).delete(f"/service-accounts/{made['id']}/api-tokens/{created['id']}").status_code == 204
    assert client.get(WHO, headers=bearer(created["fullToken"])).status_code == 401


def test_own_tokens_are_made_listed_and_deleted(bob: User, api: Callable[..., ApiClient]) -> None:
    mine = api(bob, tenant=None)
    created = mine.post("/me/api-tokens", {"name": "laptop"}).json()
    assert mine.post("/me/api-tokens", {"name": "laptop"}).status_code == 409
    assert mine.post("/me/api-tokens", {"name": "Not a label"}).status_code == 422
    assert [row["name"] for row in mine.get("/me/api-tokens").json()["results"]] == ["laptop"]
    assert mine.delete(f"/me/api-tokens/{created['id']}").status_code == 204
    assert mine.delete(f"/me/api-tokens/{created['id']}").status_code == 404
    assert mine.delete("/me/api-tokens/nonsense").status_code == 404


def test_own_password_is_changed_with_the_old_one(bob: User, api: Callable[..., ApiClient]) -> None:
    mine = api(bob, tenant=None)
    weak = mine.put("/me/password", {"oldPassword": PASSWORD, "newPassword": "short"})
    assert weak.status_code == 422
    assert mine.put("/me/password", {"oldPassword": "x", "newPassword": "Fresh-Passw0rd"}).status_code == 422
    assert mine.put("/me/password", {"oldPassword": PASSWORD, "newPassword": "Fresh-Passw0rd"}).status_code == 204
    assert mine.get("/me/api-tokens").status_code == 200, "the session that changed it goes on"
    assert User.objects.get(pk=bob.pk).check_password("Fresh-Passw0rd")


def test_unknown_name_costs_a_hash_as_a_known_one(db: None, client: Client) -> None:
    make_user("no-password@example.com")
    with patch.object(User, "set_password", autospec=True) as hashed:
        client.get(WHO, headers=basic("nobody@example.com", "x"))
        client.get(WHO, headers=basic("no-password@example.com", "x"))
    assert hashed.call_count == 2


def test_clean_up_forgets_what_is_over_and_keeps_what_holds(alice: User, client: Client) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        client.force_login(alice)
        for _ in range(10):
            Client().get(WHO, headers=basic("locked@example.com", "wrong"))
        Client().get(WHO, headers=basic("once@example.com", "wrong"))
        clock.shift(timedelta(minutes=10))
        assert forget_expired() == 1, "the single failure; the lock holds for half an hour, the session for days"
        assert is_locked_out("locked@example.com")
        clock.shift(timedelta(days=15))
        assert forget_expired() == 2
        assert Session.objects.count() == SignInGuard.objects.count() == 0


def test_login_gives_a_pass_that_opens_as_cookie_or_bearer_until_logout(alice: User, client: Client) -> None:
    signed = client.post("/login", {"username": "alice@example.com", "password": PASSWORD}).cookies["JWT"]
    assert signed["httponly"]
    assert signed["samesite"] == "Lax"
    other = Client()
    other.cookies["JWT"] = signed.value
    assert other.get(WHO).status_code == 200
    assert Client().get(WHO, headers=bearer(signed.value)).status_code == 200
    assert Client().get(WHO, headers=bearer(signed.value[:-1] + "x")).status_code == 401
    assert client.post("/logout").cookies["JWT"].value == ""
    assert other.get(WHO).status_code == 401
    assert Client().get(WHO, headers=bearer(signed.value)).status_code == 401


def test_basic_goes_before_a_pass_that_lies_in_a_cookie(alice: User, charlie: User, client: Client) -> None:
    signed = client.post("/login", {"username": "charlie@example.com", "password": PASSWORD}).cookies["JWT"]
    other = Client()
    other.cookies["JWT"] = signed.value
    assert other.get(WHO).status_code == 404
    assert other.get(WHO, headers=basic("alice@example.com", PASSWORD)).status_code == 200


def test_pass_of_a_changed_password_is_refused(alice: User, client: Client) -> None:
    signed = client.post("/login", {"username": "alice@example.com", "password": PASSWORD}).cookies["JWT"]
    set_password(acting_user=alice, user=alice, password="Another-Passw0rd")
    assert Client().get(WHO, headers=bearer(signed.value)).status_code == 401


def test_pass_in_a_browser_s_cookie_needs_a_csrf_token_to_write(alice: User, client: Client) -> None:
    signed = client.post("/login", {"username": "alice@example.com", "password": PASSWORD}).cookies["JWT"]
    role, url = {"name": "r", "permissions": {}}, "/api/v1/alpha/roles"
    strict = Client(enforce_csrf_checks=True)
    strict.cookies["JWT"] = signed.value
    forged = strict.post(url, role, content_type="application/json", headers={"Origin": "https://evil.example"})
    assert forged.status_code == 403
    assert strict.post(url, role, content_type="application/json").status_code == 200
