"""The page of an App: the form, the decision, the result, each for those who may, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.userapps.models import AppDay, AppDecision, AppRun, UserApp
from apps.userapps.selectors import waiting_for
from apps.userapps.services.apps import create_app, renew_link, update_app
from apps.userapps.services.tickets import sign_follow
from apps.workflows.models import Execution
from apps.workflows.services.flows import create_flow
from tests.support.flow_runner import FlowRunner
from tests.support.pages import Pages, Shown
from tests.userapps.conftest import APP, FLOW, PUBLIC

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
    assert execution.inputs == {"reason": "storm", "amount": 12}
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
    assert viewer.status == 403, "a Viewer has no APPEXECUTION"
    assert "APPEXECUTION READ" in viewer.text


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


def follow(app: UserApp, execution_id: str) -> dict[str, str]:
    return {"exec": sign_follow(app.pk, execution_id)}


def send_request(browser: Pages, app: UserApp, **typed: str) -> str:
    """Fills in and sends the form; the id of the execution."""
    form = browser.get(path_of(app))
    browser.post(path_of(app), **asked(form, **{"inputs.reason": "storm", "inputs.amount": "12", **typed}))
    return str(AppRun.objects.latest("created").execution_id)


@pytest.fixture
def paused(flows: FlowRunner, pages: AsPages) -> tuple[UserApp, str]:
    """A request by a visitor that waits for a decision."""
    create_flow(acting_user=None, source=FLOW)
    app = create_app(acting_user=None, source=PUBLIC).app
    execution_id = send_request(pages(), app, **{"inputs.token": "hush-hush"})
    flows.jobs.run(most=1000)
    return update_app(acting_user=None, uid=app.uid, source=APP).app, execution_id


def decide(browser: Pages, app: UserApp, execution_id: str, action: str, **typed: str) -> Shown:
    shown = browser.get(path_of(app), **follow(app, execution_id))
    return browser.post(path_of(app), **{**asked(shown, **typed), "action": action})


class TestDecision:
    """An execution that waits, and the people who may let it go on."""

    def test_the_page_shows_what_was_asked_and_found_and_survives_a_broken_expression(
        self, pages: AsPages, alice: User, paused: tuple[UserApp, str]
    ) -> None:
        app, execution_id = paused
        shown = pages(alice).get(path_of(app), **follow(app, execution_id))
        assert shown.status == 200
        assert "storm" in shown.text
        assert "hush-hush" not in shown.html
        assert "Said 12" in shown.text
        assert "Unable to find" in shown.text or "Missing variable" in shown.text
        assert 'name="inputs.run"' in shown.html
        assert [label in shown.html for label in (">Approve</button>", ">Reject</button>")] == [True, True]

    def test_approving_lets_it_go_on_and_the_audit_says_who_and_why(
        self, pages: AsPages, alice: User, paused: tuple[UserApp, str], flows: FlowRunner
    ) -> None:
        app, execution_id = paused
        sent = decide(pages(alice), app, execution_id, "resume", comment="fine", **{"inputs.run": "tomorrow"})
        assert sent.status == 303
        flows.jobs.run(most=1000)
        assert Execution.objects.get(pk=execution_id).state == "SUCCESS"
        decision = AppDecision.objects.get()
        assert (decision.verdict, decision.comment, decision.user_name) == ("RESUMED", "fine", "Alice")
        assert decision.waited is not None
        entry = AuditEntry.objects.get(resource="AppExecution", type="UPDATE")
        assert (entry.detail["verdict"], entry.detail["comment"]) == ("RESUMED", "fine")
        shown = pages(alice).get(path_of(app), **follow(app, execution_id))
        assert "tomorrow" in shown.text
        assert "This part cannot be shown" in shown.text, "a broken block says so in its place"

    def test_the_second_to_decide_learns_who_was_faster(
        self, pages: AsPages, alice: User, paused: tuple[UserApp, str]
    ) -> None:
        app, execution_id = paused
        late = pages(alice).get(path_of(app), **follow(app, execution_id))
        assert decide(pages(alice), app, execution_id, "cancel", comment="no").status == 303
        shown = pages(alice).post(path_of(app), **{**asked(late), "action": "resume"})
        assert shown.status == 409
        assert "Alice was faster" in shown.text
        assert Execution.objects.get(pk=execution_id).state == "KILLED"

    def test_wrong_values_keep_it_waiting(self, pages: AsPages, alice: User, paused: tuple[UserApp, str]) -> None:
        app, execution_id = paused
        shown = decide(pages(alice), app, execution_id, "resume", **{"inputs.run": "never"})
        assert shown.status == 422
        assert Execution.objects.get(pk=execution_id).state == "PAUSED"

    def test_what_waits_for_a_person_is_listed_for_those_who_may(
        self, alice: User, bob: User, paused: tuple[UserApp, str]
    ) -> None:
        app, execution_id = paused
        (waiting,) = waiting_for(alice)
        assert (waiting.execution_id, waiting.app) == (execution_id, app)
        assert waiting_for(bob) == []

    def test_a_file_is_fetched_only_while_the_page_shows_it(
        self, pages: AsPages, alice: User, flows: FlowRunner
    ) -> None:
        proof_output = "  - {id: proof, type: FILE, value: '{{ inputs.proof }}'}\n"
        source = FLOW.replace("  - {id: paid,", proof_output + "  - {id: paid,")
        create_flow(acting_user=None, source=source)
        app = create_app(acting_user=None, source=APP).app
        browser = pages(alice)
        proof = SimpleUploadedFile("proof.txt", b"wet parcel")
        execution_id = send_request(browser, app, **{"inputs.proof": proof})  # type: ignore[arg-type]
        flows.jobs.run(most=1000)
        held = Execution.objects.get(pk=execution_id).inputs["proof"]
        link = {**follow(app, execution_id), "path": held}
        fetched = browser.client.get(f"/ui/alpha{path_of(app)}/file", link)
        assert b"".join(read_streamed(fetched)) == b"wet parcel", "the Inputs block of PAUSE shows it"
        other = browser.client.get(f"/ui/alpha{path_of(app)}/file", {**link, "path": held + "x"})
        assert other.status_code == 404
        assert browser.get(f"{path_of(app)}/logs", **follow(app, execution_id)).status == 404, "no Logs block"


def read_streamed(response: Any) -> list[bytes]:
    async def read() -> list[bytes]:
        return [part async for part in response.streaming_content]

    return asyncio.run(read()) if response.is_async else list(response.streaming_content)
