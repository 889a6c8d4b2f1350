"""Where one is signed in: seen, ended one by one or all at once, by oneself and by a super admin."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from apps.accounts.models import SignInSession, User
from apps.accounts.services.passwords import set_password
from tests.accounts.test_authentication import WHO
from tests.factories import make_super_admin
from tests.support.api_client import ApiClient
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db


def signed_in(agent: str = "Firefox", **fields: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    sent = client.post("/ui/login", {"username": "alice@example.com", "password": PASSWORD, **fields})
    assert sent.status_code == 302
    return client


def test_sessions_are_listed_and_the_present_one_is_marked(alice: User) -> None:
    here, there = signed_in(), signed_in("curl/8")
    listed = here.get("/api/v1/me/sessions").json()["results"]
    assert {(one["userAgent"], one["current"]) for one in listed} == {("Firefox", True), ("curl/8", False)}
    assert all(one["way"] == "password" and one["ipAddress"] == "127.0.0.1" for one in listed)
    keys = {client.cookies[settings.SESSION_COOKIE_NAME].value for client in (here, there)}
    assert not any(key in str(listed) for key in keys), "the key would open the session"


def test_one_session_is_ended_from_another(alice: User, bob: User) -> None:
    here, there = signed_in(), signed_in("curl/8")
    other = next(one for one in here.get("/api/v1/me/sessions").json()["results"] if not one["current"])
    assert ApiClient(bob, tenant=None).delete(f"/me/sessions/{other['id']}").status_code == 404
    assert here.delete(f"/api/v1/me/sessions/{other['id']}").status_code == 204
    assert there.get(WHO).status_code == 401
    assert here.get(WHO).status_code == 200
    assert here.delete(f"/api/v1/me/sessions/{other['id']}").status_code == 404


def test_all_others_are_ended_at_once(alice: User) -> None:
    here, there = signed_in(), signed_in()
    assert here.delete("/api/v1/me/sessions").status_code == 204
    assert (here.get(WHO).status_code, there.get(WHO).status_code) == (200, 401)


def test_a_super_admin_signs_a_person_out_everywhere(alice: User, bob: User) -> None:
    here, there = signed_in(), signed_in()
    assert ApiClient(bob, tenant=None).delete(f"/users/{alice.id}/refresh-token").status_code == 403
    root = ApiClient(make_super_admin(), tenant=None)
    assert len(root.get(f"/users/{alice.id}/sessions").json()["results"]) == 2
    answer = root.delete(f"/users/{alice.id}/refresh-token")
    assert answer.json()["username"] == "alice@example.com"
    assert (here.get(WHO).status_code, there.get(WHO).status_code) == (401, 401)


def test_a_changed_password_keeps_only_the_session_that_changed_it(alice: User) -> None:
    here, there = signed_in(), signed_in()
    body = {"oldPassword": PASSWORD, "newPassword": "Fresh-Passw0rd"}
    assert here.put("/api/v1/me/password", body, content_type="application/json").status_code == 204
    assert (here.get(WHO).status_code, there.get(WHO).status_code) == (200, 401)
    assert [one["current"] for one in here.get("/api/v1/me/sessions").json()["results"]] == [True]


def test_another_s_password_set_by_a_super_admin_ends_the_sessions(alice: User) -> None:
    here = signed_in()
    set_password(acting_user=make_super_admin(), user=alice, password="Fresh-Passw0rd")
    assert here.get(WHO).status_code == 401
    assert not alice.sign_in_sessions.exists()


def test_the_device_is_remembered_only_when_asked(alice: User) -> None:
    cookie = signed_in().cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["max-age"] == "", "the browser forgets it when it is closed"
    kept = signed_in(remember="1").cookies[settings.SESSION_COOKIE_NAME]
    assert kept["max-age"] == settings.SESSION_COOKIE_AGE


def test_last_use_is_noted_to_five_minutes(alice: User) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        here = signed_in()
        here.get(WHO)
        for _ in range(3):
            clock.shift(timedelta(minutes=4))
            here.get(WHO)
        seen = alice.sign_in_sessions.get().last_seen
        assert (seen.hour, seen.minute) == (10, 8), "at 10:00, not at 10:04, at 10:08, not at 10:12"


def test_signing_out_takes_the_session_from_the_list(alice: User) -> None:
    here = signed_in()
    here.post("/ui/logout")
    assert not alice.sign_in_sessions.exists()


def test_head_of_the_sign_in_page(db: None) -> None:
    assert Client().head("/ui/login").status_code == 200


@pytest.mark.parametrize(
    ("agent", "program"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown program"),
    ],
)
def test_a_session_is_named_as_people_know_it(agent: str, program: str) -> None:
    assert SignInSession(user_agent=agent).program == program
