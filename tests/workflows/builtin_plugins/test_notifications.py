"""Messages to chats against a web server of the test's own, and mail against a mail server of its own."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.executions import ExecutionSummary
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from tests.support.run_context import NOW, FakeRunContext

LINK = "http://localhost:8080/ui/main/executions/company.team/orders/other"


class Chat:
    """Takes messages; answers ``status``."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.status = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.seen.append((self.path, self.headers["Content-Type"], body))
                self.send_response(owner.status)
                self.end_headers()
                self.wfile.write(b"no_service" if owner.status >= 400 else b"ok")

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/services/T0/secret"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def message(self) -> Any:
        """The one that came."""
        ((_, _, body),) = self.seen
        return json.loads(body)

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


class Summaries:
    """Executions as a test says they are: a list is gone through, look by look."""

    def __init__(self, *states: State, failed_task: str | None = None) -> None:
        self.states = list(states)
        self.failed_task = failed_task
        self.looks = 0

    def summary(self, execution_id: str) -> ExecutionSummary:
        if execution_id == "unknown":
            raise LookupError(execution_id)
        self.looks += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        start = NOW - timedelta(minutes=5)
        end = start + timedelta(seconds=65) if state.ended else None
        return ExecutionSummary(execution_id, "company.team", "orders", state, start, end, LINK, self.failed_task)


@pytest.fixture
def chat() -> Iterator[Chat]:
    made = Chat()
    yield made
    made.close()


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path, variables={"inputs": {"name": "Ada"}})


def run(context: FakeRunContext, kind: str, **properties: Any) -> None:
    for prefix in ("io.kestra.plugin.notifications.", "io.kestra.plugin."):
        assert plugin_class(prefix + kind) is plugin_class(f"io.kestra.plugin.{kind}")
    name = f"io.kestra.plugin.{kind}"
    task = plugin_class(name).model_validate({"id": "t", "type": name, **properties})
    assert not task.check()  # type: ignore[attr-defined]
    task.run(context)  # type: ignore[attr-defined]


WEBHOOKS = ["slack.Slack", "teams.Teams", "discord.Discord", "google.GoogleChat"]


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_a_payload_is_posted_rendered(context: FakeRunContext, chat: Chat, kind: str) -> None:
    run(context, f"{kind}IncomingWebhook", url=chat.url, payload='{"text": "Hello {{ inputs.name }} é"}')
    assert chat.seen == [("/services/T0/secret", "application/json; charset=utf-8", '{"text": "Hello Ada é"}'.encode())]


def test_a_refusal_fails_without_telling_the_address(context: FakeRunContext, chat: Chat) -> None:
    chat.status = 404
    with pytest.raises(TaskFailed, match=r"127.0.0.1 answered with status 404: no_service"):
        run(context, "slack.SlackIncomingWebhook", url=chat.url, payload="{}")
    with pytest.raises(TaskFailed, match="refused") as caught:
        run(context, "slack.SlackIncomingWebhook", url="http://127.0.0.1:1/services/T0/secret", payload="{}")
    assert "secret" not in str(caught.value)


def test_a_payload_that_is_no_json_is_sent_with_a_warning(context: FakeRunContext, chat: Chat) -> None:
    run(context, "slack.SlackIncomingWebhook", url=chat.url, payload='{"text": "a "b""}')
    assert chat.seen[0][2] == b'{"text": "a "b""}'
    (warning,) = context.messages(Level.WARN)
    assert "`payload` is no JSON" in warning


def test_slack_tells_of_an_execution(context: FakeRunContext, chat: Chat) -> None:
    context.all_executions = Summaries(State.FAILED, failed_task="load")
    run(
        context,
        "slack.SlackExecution",
        url=chat.url,
        executionId="other",
        channel="#alerts",
        username="{{ inputs.name }}",
        customMessage="Look, {{ inputs.name }}",
        customFields={"Owner": "{{ inputs.name }}"},
    )
    assert chat.message == {
        "text": "company.team.orders Failed on task `load` after 1m 5s",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "Look, Ada"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "> *company.team.orders* Failed on task `load` after 1m 5s"},
                "accessory": {
                    "type": "button",
                    "text": {"type": "plain_text", "text": "Details"},
                    "value": "details",
                    "url": LINK,
                    "action_id": "button-action",
                },
            },
        ],
        "attachments": [
            {
                "color": "danger",
                "fields": [
                    {"title": "Namespace", "value": "company.team", "short": True},
                    {"title": "Flow ID", "value": "orders", "short": True},
                    {"title": "Execution ID", "value": "other", "short": True},
                    {"title": "Execution Status", "value": "FAILED", "short": True},
                    {"title": "Owner", "value": "Ada", "short": True},
                ],
                "ts": int((NOW - timedelta(seconds=235)).timestamp()),
            }
        ],
        "channel": "#alerts",
        "username": "Ada",
    }


@pytest.mark.parametrize(
    ("state", "failed", "text", "color"),
    [
        (State.SUCCESS, None, "Succeeded after 1m 5s", "good"),
        (State.WARNING, None, "Ended with a warning after 1m 5s", "warning"),
        (State.KILLED, "x", "Killed after 1m 5s", "danger"),
    ],
)
def test_the_outcome_has_words_and_a_color(
    context: FakeRunContext, chat: Chat, state: State, failed: str | None, text: str, color: str
) -> None:
    context.all_executions = Summaries(state, failed_task=failed)
    run(context, "slack.SlackExecution", url=chat.url, executionId="other")
    assert chat.message["text"] == f"company.team.orders {text}"
    assert chat.message["attachments"][0]["color"] == color


def test_of_its_own_execution_it_tells_at_once(context: FakeRunContext, chat: Chat) -> None:
    context.all_executions = Summaries(State.RUNNING, failed_task="load")
    run(context, "slack.SlackExecution", url=chat.url)
    assert chat.message["text"] == "company.team.orders Failed on task `load` after 5m 0s"
    assert context.all_executions.looks == 1


def test_another_execution_is_waited_for(context: FakeRunContext, chat: Chat) -> None:
    context.all_executions = Summaries(State.RUNNING, State.SUCCESS)
    run(context, "slack.SlackExecution", url=chat.url, executionId="other")
    assert chat.message["attachments"][0]["color"] == "good"
    assert context.all_executions.looks == 2
    with pytest.raises(TaskFailed, match="No execution found for execution id unknown"):
        run(context, "slack.SlackExecution", url=chat.url, executionId="unknown")


def test_the_other_chats_tell_of_an_execution(context: FakeRunContext, chat: Chat) -> None:
    context.all_executions = Summaries(State.FAILED, failed_task="load")
    run(context, "teams.TeamsExecution", url=chat.url, executionId="other", activityTitle="Orders")
    card = chat.message
    assert (card["@type"], card["themeColor"]) == ("MessageCard", "0076D7")
    assert card["sections"][0]["activityTitle"] == "Orders"
    assert {"name": "Execution ID", "value": "other"} in card["sections"][0]["facts"]
    assert card["potentialAction"][0]["targets"][0]["uri"] == LINK
    chat.seen.clear()
    embed = {"title": "More", "websiteUrl": "https://example.com", "color": [255, 0, 1]}
    run(context, "discord.DiscordExecution", url=chat.url, executionId="other", content="Look", embedList=[embed])
    assert chat.message["content"] == "Look"
    assert chat.message["embeds"][0]["description"] == "Failed on task `load` after 1m 5s"
    assert chat.message["embeds"][1] == {"title": "More", "url": "https://example.com", "color": 0xFF0001}
    chat.seen.clear()
    run(context, "google.GoogleChatExecution", url=chat.url, executionId="other")
    assert chat.message["text"].startswith("*company.team.orders* Failed on task `load` after 1m 5s\n")
    assert chat.message["text"].endswith(f"<{LINK}|Details>")


# Mail


class Inbox:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.mails: list[tuple[Envelope, EmailMessage, bool]] = []
        self.signed_in: list[tuple[str, str]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        found = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[arg-type]
        assert isinstance(found, EmailMessage)
        assert server.transport is not None
        self.mails.append((envelope, found, server.transport.get_extra_info("sslcontext") is not None))
        return "250 OK"

    def sign_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        self.signed_in.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


Start = Callable[..., tuple[Inbox, int]]


@pytest.fixture
def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts mail servers; their certificate is one the machine believes."""
    certificate, key = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    started: list[Controller] = []

    def start(kind: str, **options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        given: dict[str, Any] = {"authenticator": inbox.sign_in, "auth_require_tls": False, **options}
        if kind == "SMTPS":
            controller = Controller(inbox, hostname="127.0.0.1", port=port, ssl_context=tls, **given)
        elif kind == "STARTTLS":
            controller = Controller(inbox, hostname="127.0.0.1", port=port, tls_context=tls, **given)
        else:
            controller = Controller(inbox, hostname="127.0.0.1", port=port, **given)
        controller.start()
        started.append(controller)
        return inbox, port

    yield start
    for one in started:
        one.stop()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1000))
        .not_valid_after(NOW + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, secret


PEOPLE = {"from": "alerts@example.com", "to": "alice@example.com; bob@example.com", "host": "localhost"}


def test_a_mail_has_text_html_pictures_and_files(context: FakeRunContext, mail: Start) -> None:
    inbox, port = mail("SMTPS")
    picture = context.storage.put(b"\x89PNG", "logo.png")
    rows = context.storage.put("é,1\n".encode(), "rows.csv")
    run(
        context,
        "mail.MailSend",
        **PEOPLE,
        port=port,
        cc="charlie@example.com",
        username="alerts",
        password="right",
        subject="Hello {{ inputs.name }} é",
        htmlTextContent="<p>Hi <img src='cid:logo'></p>",
        plainTextContent="Hi",
        attachments=[{"uri": rows, "name": "rows é.csv", "contentType": "text/csv"}],
        embeddedImages=[{"uri": picture, "name": "logo", "contentType": "image/png"}],
    )
    ((envelope, message, encrypted),) = inbox.mails
    assert encrypted
    assert inbox.signed_in == [("alerts", "right")]
    assert envelope.rcpt_tos == ["alice@example.com", "bob@example.com", "charlie@example.com"]
    assert (message["Subject"], message["From"]) == ("Hello Ada é", "alerts@example.com")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert (plain.get_content().strip(), html.get_content().strip()) == ("Hi", "<p>Hi <img src='cid:logo'></p>")
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == ("rows é.csv", "text/csv", "é,1\n")
    pictures = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert [(part["Content-ID"], part.get_content()) for part in pictures] == [("<logo>", b"\x89PNG")]


@pytest.mark.parametrize(
    ("strategy", "server", "encrypted"),
    [("SMTP", "PLAIN", False), ("SMTP", "STARTTLS", True), ("SMTP_TLS", "STARTTLS", True), ("SMTPS", "SMTPS", True)],
)
def test_the_strategy_says_how_safe_it_is(
    context: FakeRunContext, mail: Start, strategy: str, server: str, encrypted: bool
) -> None:
    inbox, port = mail(server)
    run(context, "mail.MailSend", **PEOPLE, port=port, transportStrategy=strategy)
    ((_, message, found),) = inbox.mails
    assert found is encrypted
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Please view this email in a modern email client"


@pytest.mark.parametrize(
    ("changes", "server", "message"),
    [
        ({"transportStrategy": "SMTP_TLS"}, "PLAIN", "offers no TLS, which `transportStrategy: SMTP_TLS` asks for"),
        ({"host": "127.0.0.1"}, "SMTPS", "certificate verify failed: IP address mismatch"),
        ({"username": "a", "password": "wrong"}, "SMTPS", "The mail could not be sent: 535 "),
        ({"to": " ; "}, "SMTPS", "`to` names nobody"),
        ({"from": "a\nBcc: eve@example.com"}, "SMTPS", "A header of the mail cannot be written"),
    ],
)
def test_what_cannot_be_sent_says_why(
    context: FakeRunContext, mail: Start, changes: dict[str, str], server: str, message: str
) -> None:
    inbox, port = mail(server)
    with pytest.raises(TaskFailed, match=message):
        run(context, "mail.MailSend", **{**PEOPLE, "port": port, **changes})
    assert not inbox.mails


def test_a_mail_tells_of_an_execution(context: FakeRunContext, mail: Start) -> None:
    inbox, port = mail("SMTPS")
    context.all_executions = Summaries(State.RUNNING, failed_task="load")
    run(context, "mail.MailExecution", **PEOPLE, port=port, customMessage="<b>Look</b>", customFields={"Owner": "<i>"})
    ((_, message, _),) = inbox.mails
    assert message["Subject"] == "company.team.orders: Failed on task `load` after 5m 0s"
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "Owner: <i>" in plain.get_content()
    assert LINK in plain.get_content()
    assert "&lt;b&gt;Look&lt;/b&gt;" in html.get_content()
    assert "<i>" not in html.get_content()
