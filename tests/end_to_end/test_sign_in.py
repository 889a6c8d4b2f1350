"""A person who forgot the password: a mail, a new one, a second factor, and the next sign-in with code and passkey."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.test_browser import PATIENCE, browser
from tests.support.mail_server import MailServer, mail_server, part_of
from tests.support.product import EMAIL, Server, started

pytestmark = [pytest.mark.browser, pytest.mark.process, pytest.mark.timeout(300)]
__all__ = ["browser"]
NEW_PASSWORD = "Blue-heron-7"


@pytest.fixture(scope="module")
def smtp() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def product(browser: Browser, smtp: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    mail = {"KESTRA_EE_MAIL_URL": f"smtp://127.0.0.1:{smtp.port}", "KESTRA_EE_MAIL_STARTTLS": "false"}
    with started(tmp_path_factory.mktemp("sign-in"), **mail) as server:
        yield server


@pytest.fixture
def page(browser: Browser, product: Server) -> Iterator[Page]:
    """A browser that can make passkeys; `localhost`, because WebAuthn wants a name. Fails when a script fails."""
    address = str(product.client.base_url).replace("127.0.0.1", "localhost")
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    shown, wrong = context.new_page(), []
    shown.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    shown.on("response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None)
    devices = context.new_cdp_session(shown)
    devices.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    yield shown
    context.close()
    assert wrong == []


def next_code(secret: str, used: str = "") -> str:
    """What the app shows, once it is another than the one that was used; half a minute at most."""
    deadline = time.monotonic() + 60
    while True:
        code = format_hotp_value(hotp_value(secret.replace(" ", ""), int(time.time()) // 30))
        if code != used:
            return code
        assert time.monotonic() < deadline, "the code never changed"
        time.sleep(0.5)  # polled until the deadline


def mailed_link(smtp: MailServer) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if smtp.received:
            found = re.search(r"(/ui/reset/[\w-]+)", part_of(smtp.received[-1], "plain"))
            assert found is not None
            return found[1]
        time.sleep(0.2)  # polled until the deadline
    raise AssertionError("no mail came")


def sign_in(page: Page, password: str) -> None:
    page.goto("/ui/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_from_a_forgotten_password_to_a_passkey(page: Page, smtp: MailServer) -> None:
    page.goto("/ui/login")
    page.get_by_role("link", name="Forgot it?").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("status")).to_contain_text("Look into your mail")
    page.goto(mailed_link(smtp))
    page.get_by_label("New password").fill(NEW_PASSWORD)
    page.get_by_label("The same again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    page.get_by_role("link", name="Sign in").first.click()
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/ui/main/")

    page.goto("/ui/main/settings/sign-in")
    page.get_by_role("link", name="Add a second factor").click()
    secret = page.locator(".secret-key").inner_text()
    code = next_code(secret)
    page.get_by_label("Code the app shows now").fill(code)
    page.get_by_role("button", name="Add the app").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/settings/sign-in")
    page.get_by_role("link", name="Add another").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_url("**/settings/sign-in")
    expect(page.get_by_role("main")).to_contain_text("Laptop")

    page.locator("summary.avatar").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, NEW_PASSWORD)
    page.wait_for_url("**/ui/login/mfa")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert").first).to_contain_text("not accepted")
    page.get_by_label("Code").fill(next_code(secret, used=code))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/ui/main/")

    page.locator("summary.avatar").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, NEW_PASSWORD)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/ui/main/")
