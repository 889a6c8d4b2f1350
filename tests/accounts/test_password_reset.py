"""A forgotten password: the same answer for everybody, a link by mail that opens once."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import PasswordReset, User
from apps.accounts.services.passwords import start_password_reset
from apps.accounts.services.sign_in import check_sign_in, count_failure
from apps.common.errors import TooManyRequests
from apps.encryption.services import decrypt
from apps.mail.models import OutgoingMail
from tests.factories import make_user
from tests.support.inline_dispatcher import Jobs
from tests.support.pages import Shown
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail_is_configured(settings: Settings) -> None:
    settings.KESTRA_MAIL_ENABLED = True


def ask(username: str) -> Shown:
    return Shown(Client().post("/ui/login/forgot", {"username": username}))


def link_for(username: str) -> str:
    """The path of the newest link that was mailed to this address."""
    text = decrypt(OutgoingMail.objects.filter(to=username).latest("created").content)
    found = re.search(r"https?://[^/]+(/ui/reset/[\w-]+)", text)
    assert found is not None
    return found[1]


def test_the_link_sets_a_password_once(alice: User, jobs: Jobs) -> None:
    signed_in = Client()
    signed_in.force_login(alice)
    assert "Look into your mail" in ask("Alice@example.com").text
    jobs.run(only=lambda job: job.job == "accounts.mail_password_reset")
    link = link_for("alice@example.com")
    assert link.removeprefix("/ui/reset/").encode() != bytes(PasswordReset.objects.get().digest), "a digest is kept"
    page = Shown(Client().get(link))
    assert "alice@example.com" in page.text
    assert page.response.headers["Referrer-Policy"] == "same-origin", "the address holds the token"
    weak = Shown(Client().post(link, {"password": "short", "again": "short"}))
    assert weak.status == 422
    assert Shown(Client().post(link, {"password": "Fresh-Passw0rd", "again": "other"})).status == 422
    done = Client().post(link, {"password": "Fresh-Passw0rd", "again": "Fresh-Passw0rd"})
    assert done.headers["Location"] == "/ui/reset/done"
    assert check_sign_in(username="alice@example.com", password="Fresh-Passw0rd") == alice
    assert signed_in.get("/ui/alpha/flows").status_code == 302, "sessions end"
    again = Shown(Client().post(link, {"password": "Third-Passw0rd", "again": "Third-Passw0rd"}))
    assert again.status == 410
    assert Client().get(link).status_code == 410


def test_the_answer_and_the_work_are_the_same_for_a_name_that_nobody_has(alice: User, jobs: Jobs) -> None:
    known, unknown = ask("alice@example.com"), ask("nobody@example.com")
    assert known.text.replace("alice@", "x@") == unknown.text.replace("nobody@", "x@")
    assert [job.job for job in jobs.sent] == ["accounts.mail_password_reset"] * 2
    jobs.run(only=lambda job: job.job == "accounts.mail_password_reset")
    assert list(OutgoingMail.objects.values_list("to", flat=True)) == ["alice@example.com"]


def test_people_without_a_password_get_no_link(alice: User) -> None:
    make_user("sso@example.com")
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not start_password_reset(username="sso@example.com")
    assert not start_password_reset(username="alice@example.com")
    assert not OutgoingMail.objects.exists()


def test_a_link_is_good_for_an_hour_and_only_the_newest_opens(alice: User) -> None:
    with time_machine.travel("2026-01-15T10:00:00Z", tick=False) as clock:
        assert start_password_reset(username="alice@example.com")
        first = link_for("alice@example.com")
        assert not start_password_reset(username="alice@example.com"), "not within five minutes"
        clock.shift(timedelta(minutes=6))
        assert start_password_reset(username="alice@example.com")
        second = link_for("alice@example.com")
        assert (Client().get(first).status_code, Client().get(second).status_code) == (410, 200)
        clock.shift(timedelta(minutes=61))
        assert Client().get(second).status_code == 410


def test_ten_links_an_hour(alice: User, settings: Settings) -> None:
    settings.KESTRA_RESET_COOLDOWN_SECONDS = 0
    assert [start_password_reset(username="alice@example.com") for _ in range(12)] == [True] * 10 + [False] * 2


def test_a_reset_ends_a_lock_out(alice: User, settings: Settings) -> None:
    settings.KESTRA_SIGN_IN_THRESHOLD = 1
    count_failure("alice@example.com")
    with pytest.raises(TooManyRequests):
        check_sign_in(username="alice@example.com", password=PASSWORD)
    start_password_reset(username="alice@example.com")
    Client().post(link_for("alice@example.com"), {"password": "Fresh-Passw0rd", "again": "Fresh-Passw0rd"})
    assert check_sign_in(username="alice@example.com", password="Fresh-Passw0rd") == alice


def test_the_same_over_the_api(alice: User, jobs: Jobs) -> None:
    answers = [
        Client().get("/api/v1/forgotten-password", query_params={"username": name})
        for name in ("alice@example.com", "nobody@example.com")
    ]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert Client().get("/api/v1/forgotten-password").status_code == 400
    jobs.run(only=lambda job: job.job == "accounts.mail_password_reset")
    token = link_for("alice@example.com").removeprefix("/ui/reset/")
    for expected in (200, 410):
        body = {"token": token, "newPassword": "Fresh-Passw0rd"}
        answer = Client().post("/api/v1/reset-password", body, content_type="application/json")
        assert answer.status_code == expected


def test_without_mail_the_page_says_so_and_the_sign_in_offers_nothing(db: None, settings: Settings) -> None:
    assert "Forgot it?" in Client().get("/ui/login").content.decode()
    settings.KESTRA_MAIL_ENABLED = False
    assert "Forgot it?" not in Client().get("/ui/login").content.decode()
    assert "No mail is configured" in Client().get("/ui/login/forgot").content.decode()


@pytest.mark.parametrize("username", ["alice@example.com", "nobody@example.com", "sso@example.com", "off@example.com"])
def test_each_wrong_sign_in_costs_one_hash(alice: User, username: str) -> None:
    """What time would tell is the hash: it is made once for whoever is asked about, or for nobody."""
    make_user("sso@example.com")
    make_user("off@example.com", password=PASSWORD, is_active=False)
    hasher = type(get_hasher())
    with patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as hashed:
        assert check_sign_in(username=username, password="Wrong-Passw0rd") is None
    assert hashed.call_count == 1
