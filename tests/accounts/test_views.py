"""The sign-in page."""

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from tests.support.pages import Shown
from tests.support.world import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, username: str, password: str, **fields: str) -> Shown:
    return Shown(client.post("/ui/login", {"username": username, "password": password, **fields}))


def test_the_right_password_opens_the_page_that_was_asked_for(alice: User) -> None:
    client = Client()
    asked = client.get("/ui/alpha/flows", query_params={"q": "x"})
    assert asked.status_code == 302
    form = Shown(client.get(asked.headers["Location"]))
    assert form.value_of("next") == "/ui/alpha/flows?q=x"
    sent = sign_in(client, "Alice@Example.com", PASSWORD, next=form.value_of("next"))
    assert sent.location == "/ui/alpha/flows?q=x"
    assert client.get("/ui/alpha/flows").status_code == 200
    assert AuditEntry.objects.filter(type="LOGIN", user_id=alice.id).count() == 1


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/x", "/\\evil.example", "javascript:alert(1)", "flows"]
)
def test_nobody_is_sent_to_another_site(alice: User, target: str) -> None:
    assert sign_in(Client(), "alice@example.com", PASSWORD, next=target).location == "/ui/"


def test_wrong_passwords_and_unknown_people_get_the_same_answer(alice: User) -> None:
    wrong = sign_in(Client(), "alice@example.com", "nope")
    unknown = sign_in(Client(), "nobody@example.com", "nope")
    assert wrong.status == unknown.status == 401
    assert "E-mail or password is wrong" in wrong.text
    assert wrong.text == unknown.text
    assert wrong.value_of("username") == "alice@example.com"
    assert "nope" not in wrong.html


def test_too_many_wrong_passwords_pause_the_name(alice: User, settings: Settings) -> None:
    settings.KESTRA_SIGN_IN_THRESHOLD = 3
    answers = [sign_in(Client(), "alice@example.com", "nope").status for _ in range(3)]
    assert answers == [401, 401, 429]
    locked = sign_in(Client(), "alice@example.com", PASSWORD)
    assert locked.status == 429
    assert "paused for up to 30 minutes" in locked.text


def test_signing_out_ends_the_session(alice: User) -> None:
    client = Client()
    sign_in(client, "alice@example.com", PASSWORD)
    assert client.get("/ui/logout").status_code == 405
    assert client.post("/ui/logout").headers["Location"] == "/ui/login"
    assert client.get("/ui/alpha/flows").headers["Location"].startswith("/ui/login?next=")


def test_a_signed_in_person_is_not_asked_again(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get("/ui/login", query_params={"next": "/ui/alpha/flows"}).headers["Location"] == "/ui/alpha/flows"


def test_a_post_without_its_token_is_refused(alice: User) -> None:
    answer = Client(enforce_csrf_checks=True).post("/ui/login", {"username": "a", "password": "b"})
    assert answer.status_code == 403


def test_the_page_is_small(alice: User) -> None:
    """ui.md §3.7: at most 8 KB of script; here uncompressed."""
    from django.contrib.staticfiles import finders

    html = Client().get("/ui/login").content.decode()
    assert html.count("<script") == 1
    found = finders.find("js/login.js")
    assert found is not None
    with open(found, "rb") as file:
        assert len(file.read()) < 8_000
