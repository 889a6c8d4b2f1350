"""MailMessage: what a mail consists of, and sending it."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from enum import StrEnum

import certifi
from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import open_stored
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask

MOST_BYTES = 50 * 1024 * 1024
"""Of all attachments together; mail servers take less."""
NO_HTML = "Please view this email in a modern email client"


class TransportStrategy(StrEnum):
    """How the mail server is spoken to."""

    SMTPS = "SMTPS"
    SMTP = "SMTP"
    SMTP_TLS = "SMTP_TLS"
    SMTP_OAUTH2 = "SMTP_OAUTH2"


class Attachment(PluginModel):
    """A file that goes with a mail."""

    uri: Property[str] = Field(title="The address of the file; rendered.")
    name: Property[str] = Field(title="Its name in the mail; for an embedded image what `cid:` names; rendered.")
    content_type: Property[str] | None = Field(
        default=None, title="Its type; `application/octet-stream` unless given; rendered."
    )


class MailTask(RunnableTask, Documented):
    """Base of the tasks that send mail."""

    host: Property[str] | None = Field(default=None, title="The mail server; rendered.")
    port: Property[int] | None = Field(default=None, title="Its port; that of the transport strategy unless given.")
    username: Property[str] | None = Field(default=None, title="The user at the mail server; rendered.")
    password: Property[str] | None = Field(default=None, title="The user's password or token; rendered.")
    transport_strategy: Property[TransportStrategy] | None = Field(
        default=None,
        title="`SMTPS`, unless given, is TLS from the start, `SMTP_TLS` TLS after a plain hello, `SMTP` TLS if offered,"
        " `SMTP_OAUTH2` as SMTP_TLS with a token for a password.",
    )
    session_timeout: Property[int] | None = Field(default=None, title="Milliseconds the server may pause; 10000.")
    from_: Property[str] = Field(alias="from", title="Who it is from; rendered.")
    to: Property[str] = Field(title="Who gets it, parted by `;`; rendered.")
    cc: Property[str] | None = Field(default=None, title="Who gets a copy, parted by `;`; rendered.")
    subject: Property[str] | None = Field(default=None, title="The subject; rendered.")
    attachments: list[Attachment] = Field(default_factory=list, title="Files to attach.")
    embedded_images: list[Attachment] = Field(
        default_factory=list, title="Pictures the HTML shows by `<img src='cid:name'>`."
    )

    def send(self, context: RunContext, subject: str, html: str | None, plain: str | None) -> None:
        """Compose the mail and hand it to the server. TaskFailed with the server's words."""
        message = self._message(context, subject, html, plain)
        listed = getaddresses([str(message["To"]), str(message["Cc"] or "")])
        recipients = [address for _, address in listed if address]
        if not recipients:
            raise TaskFailed("`to` names nobody, write it as in alice@example.com;bob@example.com")
        try:
            with self._server(context) as server:
                server.send_message(message, to_addrs=recipients)
        except (smtplib.SMTPException, OSError) as error:
            context.cancellation.check()
            raise TaskFailed(f"The mail could not be sent: {_shown(error)}") from error

    def _message(self, context: RunContext, subject: str, html: str | None, plain: str | None) -> EmailMessage:
        message = EmailMessage()
        try:
            message["Subject"] = " ".join(subject.split())
            message["From"] = self.from_.value(context).strip()
            message["To"] = _addresses(self.to.value(context))
            if self.cc is not None:
                message["Cc"] = _addresses(self.cc.value(context))
        except (ValueError, IndexError) as error:
            raise TaskFailed(f"A header of the mail cannot be written: {error}") from error
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain="kestra.local")
        message.set_content(plain if plain is not None else NO_HTML)
        if html is not None:
            message.add_alternative(html, subtype="html")
        left = MOST_BYTES
        for image in self.embedded_images:
            name, content, (kind, subtype), left = _read(context, image, left)
            body = message.get_body(("html", "plain"))
            if not isinstance(body, EmailMessage):
                raise TaskFailed("`embeddedImages` needs `htmlTextContent`")
            body.add_related(content, kind, subtype, cid=f"<{name}>", filename=name, disposition="inline")
        for file in self.attachments:
            name, content, (kind, subtype), left = _read(context, file, left)
            charset = {"charset": "utf-8"} if kind == "text" else None
            message.add_attachment(content, kind, subtype, filename=name, params=charset)
        return message

    @contextmanager
    def _server(self, context: RunContext) -> Iterator[smtplib.SMTP]:
        strategy = (
            TransportStrategy.SMTPS if self.transport_strategy is None else self.transport_strategy.value(context)
        )
        host = "localhost" if self.host is None else self.host.value(context)
        default_port = {TransportStrategy.SMTPS: 465, TransportStrategy.SMTP: 25}.get(strategy, 587)
        port = default_port if self.port is None else self.port.value(context)
        timeout = (10_000 if self.session_timeout is None else self.session_timeout.value(context)) / 1000
        context.cancellation.check()
        if strategy is TransportStrategy.SMTPS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls())
        else:
            server = smtplib.SMTP(host, port, timeout=timeout)
        forget = context.cancellation.on_cancel(lambda: _shut(server.sock))
        try:
            self._secure(server, strategy)
            self._sign_in(context, server, strategy)
            yield server
            server.quit()
        finally:
            forget()
            server.close()

    def _secure(self, server: smtplib.SMTP, strategy: TransportStrategy) -> None:
        server.ehlo()
        if strategy is TransportStrategy.SMTPS:
            return
        if server.has_extn("starttls"):
            # TLS that is only taken where it is offered keeps nobody out who stands between: no certificate is asked.
            server.starttls(context=tls(checked=strategy is not TransportStrategy.SMTP))
            server.ehlo()
        elif strategy is not TransportStrategy.SMTP:
            raise TaskFailed(f"The mail server offers no TLS, which `transportStrategy: {strategy}` asks for")

    def _sign_in(self, context: RunContext, server: smtplib.SMTP, strategy: TransportStrategy) -> None:
        if self.username is None:
            return
        user = self.username.value(context)
        password = "" if self.password is None else self.password.value(context)
        if strategy is TransportStrategy.SMTP_OAUTH2:
            token = f"user={user}\x01auth=Bearer {password}\x01\x01"
            code, words = server.docmd("AUTH", "XOAUTH2 " + base64.b64encode(token.encode()).decode())
            if code != 235:
                raise smtplib.SMTPAuthenticationError(code, words)
        else:
            server.login(user, password)


def tls(*, checked: bool = True) -> ssl.SSLContext:
    """The machine's authorities and the public ones; the name of the server counts."""
    found = ssl.create_default_context()
    found.load_verify_locations(cafile=certifi.where())
    if not checked:
        found.check_hostname = False
        found.verify_mode = ssl.CERT_NONE
    return found


def _addresses(text: str) -> str:
    return ", ".join(part.strip() for part in text.split(";") if part.strip())


def _read(context: RunContext, file: Attachment, left: int) -> tuple[str, bytes, tuple[str, str], int]:
    """Name, content and type of a file, and how many bytes others may have. TaskFailed when it is too large."""
    name = file.name.value(context)
    given = "application/octet-stream" if file.content_type is None else file.content_type.value(context)
    kind, _, subtype = given.partition("/")
    with open_stored(context, file.uri.value(context).strip()) as content:
        data = content.read(left + 1)
    if len(data) > left:
        raise TaskFailed(f"The attachments are more than {MOST_BYTES // 1024**2} MB: put `{name}` into storage instead")
    return name, data, (kind, subtype or "octet-stream"), left - len(data)


def _shut(one: socket.socket | None) -> None:
    try:
        if one is not None:
            one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _shown(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"{error.smtp_code} {words}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = ((who, code, words) for who, (code, words) in error.recipients.items())
        return "; ".join(f"{who}: {code} {words.decode('utf-8', 'replace')}" for who, code, words in refused)
    return str(error) or type(error).__name__
