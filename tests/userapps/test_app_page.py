"""The page of an App: the form, the decision, the result, each for those who may, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.userapps.models import AppDay, AppRun, UserApp
from apps.userapps.services.apps import create_app, renew_link, update_app
from apps.userapps.services.tickets import sign_follow
from apps.workflows.models import Execution
from tests.support.pages import Pages, Shown
from tests.userapps.conftest import APP, PUBLIC

AsPages = Callable[..., Pages]
pytestmark = pytest.mark.django_db


def path_of(app: UserApp) -> str:
    return f"/apps/{app.uid}"


def asked(page: Shown, **typed: Any) -> dict[str, Any]:
    """What a browser sends: the form's hidden ticket and what was typed."""
    return {"dispatch": page.value_of("dispatch"), "action": "create", **typed}


def test_the_form_has_the_flow_s_inputs_and_rendered_texts(pages: AsPages, dora: User, refund: UserApp) -> None:
    shown = pages(dora).get(path_of(refund))
    assert shown.status == 200
    assert "Refund customers" in shown.text
    assert f"Hello from refund at http://localhost:8080/ui/alpha/apps/{refund.uid}" in shown.text
    assert 'name="inputs.amount" type="number"' in shown.html
    assert "Reason" in shown.text
    assert ">Ask</button>" in shown.html
    assert 'href="/ui/alpha/flows"' not in shown.html, "people who only use Apps see no console"


def test_a_link_fills_the_form(pages: AsPages, dora: User, refund: UserApp) -> None:
    shown = pages(dora).get(path_of(refund), **{"inputs.reason": "storm"})
    assert shown.value_of("inputs.reason") == "storm"


def test_sending_starts_the_flow_and_leads_to_its_page(pages: AsPages, dora: User, refund: UserApp) -> None:
    browser = pages(dora)
    form = browser.get(path_of(refund))
    sent = browser.post(path_of(refund), **asked(form, **{"inputs.reason": "storm", "inputs.amount": "12"}))
    assert sent.status == 303
    execution = Execution.objects.get()
    assert {"key": "system.app", "value": "refund"} in execution.labels
    assert (execution.inputs["reason"], execution.inputs["amount"]) == ("storm", 12)
    after = browser.get(
        sent.location.removeprefix("/ui/alpha").partition("?")[0], **dict(parse_qsl(urlsplit(sent.location).query))
    )
    assert after.status == 200
    assert "Thank you" in after.text
    assert '<noscript><meta http-equiv="refresh"' in after.html
    run = AppRun.objects.get()
    assert (run.execution_id, run.user_name) == (execution.id, "Dora")
    entry = AuditEntry.objects.get(resource="AppExecution")
    assert (entry.user_name, entry.detail["executionId"]) == ("dora@example.com", execution.id)
    day = AppDay.objects.get()
    assert (day.opened, day.submitted) == (1, 1)


def test_the_same_form_sent_twice_starts_one_execution(pages: AsPages, dora: User, refund: UserApp) -> None:
    browser = pages(dora)
    body = asked(browser.get(path_of(refund)), **{"inputs.reason": "x", "inputs.amount": "1"})
    first, second = browser.post(path_of(refund), **body), browser.post(path_of(refund), **body)
    assert first.location == second.location
    assert Execution.objects.count() == 1


def test_mistakes_stand_beside_their_fields_and_nothing_typed_is_lost(
    pages: AsPages, dora: User, refund: UserApp
) -> None:
    browser = pages(dora)
    form = browser.get(path_of(refund))
    shown = browser.post(path_of(refund), **asked(form, **{"inputs.reason": "storm", "inputs.amount": "9000"}))
    assert shown.status == 422
    assert shown.value_of("inputs.reason") == "storm"
    assert shown.value_of("inputs.amount") == "9000"
    assert 'aria-invalid="true"' in shown.html
    assert "1 answer needs your attention" in shown.text
    assert not Execution.objects.exists()


def test_who_may_not_is_told_so(pages: AsPages, alice: User, bob: User, charlie: User, refund: UserApp) -> None:
    assert pages(alice).get(path_of(refund)).status == 200
    assert pages(charlie).get(path_of(refund)).status == 404
    visitor = pages().get(path_of(refund))
    assert visitor.status == 302 and visitor.location.startswith("/ui/login?next=")
    viewer = pages(bob).get(path_of(refund))
    assert viewer.status == 200, "a Viewer may look"
    assert 'name="action"' not in viewer.html
    body = asked(viewer, **{"inputs.reason": "x", "inputs.amount": "1"})
    refused = pages(bob).post(path_of(refund), **body)
    assert refused.status == 403
    assert "APPEXECUTION UPDATE" in refused.text


def test_groups_narrow_a_private_app_on_each_request(pages: AsPages, dora: User, refund: UserApp) -> None:
    update_app(
        acting_user=None,
        uid=refund.uid,
        source=APP.replace("access: PRIVATE", "access: {type: PRIVATE, groups: [Finance]}"),
    )
    assert pages(dora).get(path_of(refund)).status == 403


@pytest.mark.parametrize(
    ("extra", "status", "words"),
    [
        ("disabled: true\n", 404, "not available"),
        ("expiration: {startDate: 2099-01-01T00:00:00Z}\n", 409, "Not open yet"),
        ("expiration: {endDate: 2020-01-01T00:00:00Z}\n", 410, "has closed"),
    ],
)
def test_an_app_that_is_off_early_or_late_says_so(
    pages: AsPages, dora: User, refund: UserApp, extra: str, status: int, words: str
) -> None:
    browser = pages(dora)
    form = browser.get(path_of(refund))
    update_app(acting_user=None, uid=refund.uid, source=APP + extra)
    shown = browser.get(path_of(refund))
    assert shown.status == status
    assert words in shown.text
    sent = browser.post(path_of(refund), **asked(form, **{"inputs.reason": "x", "inputs.amount": "1"}))
    assert sent.status == status
    assert not Execution.objects.exists()


def test_a_renewed_link_closes_the_old_one(pages: AsPages, dora: User, refund: UserApp) -> None:
    old = path_of(refund)
    fresh = renew_link(acting_user=None, uid=refund.uid)
    assert pages(dora).get(old).status == 404
    assert pages(dora).get(path_of(fresh)).status == 200


def test_a_ticket_is_good_for_its_person_and_app_alone(
    pages: AsPages, alice: User, dora: User, refund: UserApp
) -> None:
    other = create_app(acting_user=None, source=APP.replace("id: refund\n", "id: other\n", 1)).app
    body = asked(pages(dora).get(path_of(refund)), **{"inputs.reason": "x", "inputs.amount": "1"})
    assert pages(alice).post(path_of(refund), **body).status == 404, "another site cannot send it in Alice's name"
    assert pages(dora).post(path_of(other), **body).status == 404
    assert pages(dora).post(path_of(refund), **{**body, "dispatch": "forged"}).status == 404
    assert not Execution.objects.exists()


def test_a_visitor_of_a_public_app_sends_a_file_and_sees_only_his_own(
    pages: AsPages, refund: UserApp, dora: User
) -> None:
    app = update_app(acting_user=None, uid=refund.uid, source=PUBLIC).app
    visitor = pages()
    form = visitor.get(path_of(app))
    assert form.status == 200
    proof = SimpleUploadedFile("proof.txt", b"wet parcel")
    sent = visitor.post(
        path_of(app), **asked(form, **{"inputs.reason": "x", "inputs.amount": "1", "inputs.proof": proof})
    )
    assert sent.status == 303
    mine = Execution.objects.get()
    body = asked(pages(dora).get(path_of(app)), **{"inputs.reason": "hers", "inputs.amount": "2"})
    pages(dora).post(path_of(app), **body)
    hers = Execution.objects.exclude(pk=mine.pk).get()
    assert visitor.get(path_of(app), exec=f"{hers.id}:guess").status == 404
    foreign = sign_follow("another app", hers.id)
    assert visitor.get(path_of(app), exec=foreign).status == 404


def test_visitors_are_limited_and_people_are_not(pages: AsPages, refund: UserApp, dora: User, settings: Any) -> None:
    settings.KESTRA_APP_LIMITS = {**settings.KESTRA_APP_LIMITS, "per_client": 2}
    app = update_app(acting_user=None, uid=refund.uid, source=PUBLIC).app

    def send(browser: Pages) -> int:
        form = browser.get(path_of(app))
        return browser.post(path_of(app), **asked(form, **{"inputs.reason": "x", "inputs.amount": "1"})).status

    assert [send(pages()) for _ in range(3)] == [303, 303, 429]
    assert [send(pages(dora)) for _ in range(3)] == [303, 303, 303]


def test_a_page_may_be_framed_by_the_hosts_that_were_named(pages: AsPages, dora: User, refund: UserApp) -> None:
    UserApp.objects.filter(pk=refund.pk).update(embed_hosts=["intra.example.com"])
    policy = pages(dora).get(path_of(refund)).response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://intra.example.com" in policy
    framed = pages().get(path_of(refund), embed="1")
    assert framed.status == 401
    assert 'target="_blank"' in framed.html, "nobody types a password into a frame"
