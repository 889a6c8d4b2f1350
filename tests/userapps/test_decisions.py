"""An execution that waits, and the people who may let it go on: with real commits, as several act at once."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audit.models import AuditEntry
from apps.userapps.models import AppDecision, AppRun, UserApp
from apps.userapps.selectors import waiting_for
from apps.userapps.services.apps import create_app, update_app
from apps.userapps.services.tickets import sign_follow
from apps.workflows.models import Execution
from apps.workflows.services.flows import create_flow
from tests.support.flow_runner import FlowRunner
from tests.support.pages import Pages, Shown
from tests.support.world import person
from tests.userapps.conftest import APP, FLOW, PUBLIC


def path_of(app: UserApp) -> str:
    return f"/apps/{app.uid}"


def asked(page: Shown, **typed: Any) -> dict[str, Any]:
    """What a browser sends: the form's hidden ticket and what was typed."""
    return {"dispatch": page.value_of("dispatch"), "action": "create", **typed}


def follow(app: UserApp, execution_id: str) -> dict[str, str]:
    return {"exec": sign_follow(app.pk, execution_id)}


def send_request(browser: Pages, app: UserApp, **typed: str) -> str:
    """Fills in and sends the form; the id of the execution."""
    form = browser.get(path_of(app))
    browser.post(path_of(app), **asked(form, **{"inputs.reason": "storm", "inputs.amount": "12", **typed}))
    return str(AppRun.objects.latest("created").execution_id)


@pytest.fixture
def paused(flows: FlowRunner, settings: Any) -> tuple[UserApp, str]:
    """A request by a visitor that waits for a decision."""
    settings.KESTRA_MASTER_KEY = base64.b64encode(b"0" * 32).decode()
    create_flow(acting_user=None, source=FLOW)
    app = create_app(acting_user=None, source=PUBLIC).app
    execution_id = send_request(Pages(), app, **{"inputs.token": "hush-hush"})
    flows.jobs.run(most=1000)
    return update_app(acting_user=None, uid=app.uid, source=APP).app, execution_id


def decide(browser: Pages, app: UserApp, execution_id: str, action: str, **typed: str) -> Shown:
    shown = browser.get(path_of(app), **follow(app, execution_id))
    return browser.post(path_of(app), **{**asked(shown, **typed), "action": action})


def test_the_page_shows_what_was_asked_and_found_and_survives_a_broken_expression(paused: tuple[UserApp, str]) -> None:
    app, execution_id = paused
    shown = Pages(person("alice")).get(path_of(app), **follow(app, execution_id))
    assert shown.status == 200
    assert "storm" in shown.text
    assert "hush-hush" not in shown.html
    assert "Said 12" in shown.text
    assert "Unable to find" in shown.text or "Missing variable" in shown.text
    assert 'name="inputs.run"' in shown.html
    assert [label in shown.html for label in (">Approve</button>", ">Reject</button>")] == [True, True]


def test_approving_lets_it_go_on_and_the_audit_says_who_and_why(paused: tuple[UserApp, str], flows: FlowRunner) -> None:
    app, execution_id = paused
    sent = decide(Pages(person("alice")), app, execution_id, "resume", comment="fine", **{"inputs.run": "tomorrow"})
    assert sent.status == 303
    flows.jobs.run(most=1000)
    assert Execution.objects.get(pk=execution_id).state == "SUCCESS"
    decision = AppDecision.objects.get()
    assert (decision.verdict, decision.comment, decision.user_name) == ("RESUMED", "fine", "Alice")
    assert decision.waited is not None
    entry = AuditEntry.objects.get(resource="AppExecution", type="UPDATE")
    assert (entry.detail["verdict"], entry.detail["comment"]) == ("RESUMED", "fine")
    shown = Pages(person("alice")).get(path_of(app), **follow(app, execution_id))
    assert "tomorrow" in shown.text
    assert "This part cannot be shown" in shown.text, "a broken block says so in its place"


def test_the_second_to_decide_learns_who_was_faster(paused: tuple[UserApp, str]) -> None:
    app, execution_id = paused
    late = Pages(person("alice")).get(path_of(app), **follow(app, execution_id))
    assert decide(Pages(person("alice")), app, execution_id, "cancel", comment="no").status == 303
    shown = Pages(person("alice")).post(path_of(app), **{**asked(late), "action": "resume"})
    assert shown.status == 409
    assert "Alice was faster" in shown.text
    assert Execution.objects.get(pk=execution_id).state == "KILLED"


def test_wrong_values_keep_it_waiting(paused: tuple[UserApp, str]) -> None:
    app, execution_id = paused
    shown = decide(Pages(person("alice")), app, execution_id, "resume", **{"inputs.run": "never"})
    assert shown.status == 422
    assert Execution.objects.get(pk=execution_id).state == "PAUSED"


def test_what_waits_for_a_person_is_listed_for_those_who_may(paused: tuple[UserApp, str]) -> None:
    app, execution_id = paused
    (waiting,) = waiting_for(person("alice"))
    assert (waiting.execution_id, waiting.app) == (execution_id, app)
    assert waiting_for(person("bob")) == []


def test_what_waits_stands_in_the_catalog_with_its_deadline(flows: FlowRunner, settings: Any) -> None:
    source = FLOW.replace("type: io.kestra.plugin.core.flow.Pause", "type: io.kestra.plugin.core.flow.Pause\n    "
                          "timeout: PT2H")  # fmt: skip
    create_flow(acting_user=None, source=source)
    app = create_app(acting_user=None, source=APP).app
    pages = Pages(person("alice"))
    form = pages.get(f"/apps/{app.uid}")
    typed = {"inputs.reason": "storm", "inputs.amount": "1"}
    pages.post(f"/apps/{app.uid}", dispatch=form.value_of("dispatch"), action="create", **typed)
    flows.jobs.run(most=1000)
    shown = pages.get("/apps/catalog")
    assert "1 request waits for you" in shown.text and "due" in shown.text
    assert "My requests" in shown.text and "Paused" in shown.text
    assert Pages(person("bob")).get("/apps/catalog").text.count("Waiting for me") == 0


def test_a_file_is_fetched_only_while_the_page_shows_it(flows: FlowRunner) -> None:
    proof_output = "  - {id: proof, type: FILE, value: '{{ inputs.proof }}'}\n"
    source = FLOW.replace("  - {id: paid,", proof_output + "  - {id: paid,")
    create_flow(acting_user=None, source=source)
    app = create_app(acting_user=None, source=APP).app
    browser = Pages(person("alice"))
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
