"""One's own settings: kept with the person, and what they do; profile, password, sessions, factors and tokens."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.accounts.models import ApiToken, User
from apps.accounts.services.tokens import create_api_token
from tests.support.pages import Pages
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db


def test_dates_are_shown_in_the_person_s_zone_and_form(alice: User) -> None:
    create_api_token(acting_user=alice, user=alice, name="ci")
    ApiToken.objects.update(created="2026-07-01T22:30:00Z", expires=None)
    pages = Pages(alice)
    assert "01 Jul 2026, 22:30:00 UTC" in pages.get("/settings/tokens").html
    assert pages.post("/settings", timeZone="Asia/Tokyo", dateFormat="iso").status == 302
    shown = pages.get("/settings/tokens").html
    assert "2026-07-02 07:30:00 Asia/Tokyo" in shown
    assert 'data-zone="Asia/Tokyo"' in shown
    assert "Asia/Tokyo" not in Pages(User.objects.get(username="bob@example.com")).get("/settings").html.replace(
        "<option>Asia/Tokyo</option>", ""
    ), "the next request of this process is another person's"


def test_programs_get_utc_whatever_the_person_reads(alice: User) -> None:
    create_api_token(acting_user=alice, user=alice, name="ci")
    pages = Pages(alice)
    pages.post("/settings", timeZone="Asia/Tokyo")
    assert pages.client.get("/api/v1/me/api-tokens").json()["results"][0]["iat"].endswith("Z")


def test_lists_and_the_shell_begin_as_the_person_wants(alice: User) -> None:
    pages = Pages(alice)
    pages.post("/settings", pageSize="100", shortcuts="off", editorSize="16")
    shown = pages.get("/executions").html
    assert 'data-shortcuts="off"' in shown
    assert 'data-editor-size="16"' in shown
    assert "<option selected>100</option>" in shown
    assert "<option selected>25</option>" in pages.get("/executions", size="25").html, "an address may say otherwise"
    assert pages.post("/settings", pageSize="7").status == 400
    assert pages.post("/settings", timeZone="Mars/Olympus").status == 400
    assert User.objects.get(pk=alice.pk).preferences["pageSize"] == "100", "nothing is lost by a bad value"


def test_the_profile_and_the_password_are_one_s_own_to_change(alice: User) -> None:
    pages = Pages(alice)
    pages.post("/settings/profile", first_name="Alicia", last_name="Berg")
    assert User.objects.get(pk=alice.pk).full_name == "Alicia Berg"
    wrong = pages.post("/settings/profile", old="x", new="Fresh-Passw0rd", again="Fresh-Passw0rd")
    assert (wrong.status, "The old password is wrong" in wrong.text) == (422, True)
    assert pages.post("/settings/profile", old=PASSWORD, new="Fresh-Passw0rd", again="other").status == 422
    assert pages.post("/settings/profile", old=PASSWORD, new="Fresh-Passw0rd", again="Fresh-Passw0rd").status == 302
    assert User.objects.get(pk=alice.pk).check_password("Fresh-Passw0rd")
    assert pages.get("/settings/profile").status == 200, "this session goes on"


def test_a_token_is_shown_once_and_revoked(alice: User) -> None:
    pages = Pages(alice)
    made = pages.post("/settings/tokens", name="laptop", age="30", extended="1")
    full = re.search(r'id="new-token">(kee_[\w-]+)<', made.html)
    assert full is not None
    assert made.response.headers["Cache-Control"] == "no-store"
    assert full[1] not in pages.get("/settings/tokens").html
    token = ApiToken.objects.get(user=alice)
    assert (token.extended, token.max_age) == (True, timedelta(days=30))
    bearer = {"Authorization": f"Bearer {full[1]}"}
    assert Client().get("/api/v1/alpha/roles/search", headers=bearer).status_code == 200
    taken = pages.post("/settings/tokens", name="laptop", age="")
    assert (taken.status, 'value="laptop"' in taken.html) == (409, True), "what was typed is kept"
    assert pages.post("/settings/tokens", revoke=token.pk).status == 302
    assert Client().get("/api/v1/alpha/roles/search", headers=bearer).status_code == 401


def test_sessions_are_ended_from_the_page(alice: User) -> None:
    there = Client(headers={"User-Agent": "Elsewhere/1"})
    there.post("/ui/login", {"username": "alice@example.com", "password": PASSWORD})
    pages = Pages(alice)
    shown = pages.get("/settings/sign-in")
    assert "Elsewhere/1" in shown.text
    assert pages.post("/settings/sign-in", session=alice.sign_in_sessions.get().public_id).status == 302
    assert there.get("/ui/alpha/").status_code == 302
    assert pages.post("/settings/sign-in", session="gone").status == 404


def test_who_acts_as_another_sees_the_settings_and_changes_none(alice: User, bob: User) -> None:
    pages = Pages(alice)
    pages.post("/admin/iam/act-as", user=bob.id)
    assert "These are another person's settings" in pages.get("/settings/tokens").text
    for path, fields in (
        ("/settings", {"theme": "dark"}),
        ("/settings/profile", {"first_name": "X"}),
        ("/settings/sign-in", {"session": "others"}),
        ("/settings/tokens", {"name": "x", "age": ""}),
    ):
        assert pages.post(path, **fields).status == 403, path
    assert not bob.api_tokens.exists()
    assert pages.client.get("/ui/login/mfa/setup").status_code == 200, "outside the tenant Alice is herself"
