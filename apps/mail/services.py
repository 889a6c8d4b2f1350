"""The outbox: a mail is a row first; carrying it to the mail server is tried until it is taken, refused or too old."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core.mail import BadHeaderError, EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import F
from django.template import engines
from jinja2 import Environment

from apps.common.clock import now
from apps.common.dispatch import EXECUTOR_QUEUE, send
from apps.encryption.services import EncryptionError, decrypt, encrypt
from apps.mail.models import MailState, OutgoingMail
from apps.tenants.scope import public_scope
from apps.tenants.selectors import get_open_tenant

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
"""A mail that was being carried when its process died is tried again after this; longer than any server may take."""
BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))
"""Pauses between tries; after the last the mail is given up."""
AT_ONCE: Final = 50
KEEP: Final = timedelta(days=90)
LONGEST_ERROR: Final = 1000


class DatabaseOutbox:
    """The outbox of the product: rows in public."""

    def put(self, template: str, to: str, context: Mapping[str, Any], *, about: str, tenant: str | None) -> str:
        """Renders at once, so that a mistake in a template shows where the mail was meant, not in a job."""
        values = {**context, "brand": brand_of(tenant), "product_url": settings.KESTRA_URL}
        pages: Environment = engines["jinja2"].env  # type: ignore[attr-defined]
        text = pages.overlay(autoescape=False).get_template(f"mail/{template}.txt").render(values)
        html = pages.get_template(f"mail/{template}.html").render(values)
        subject, _, body = text.partition("\n")
        with public_scope(), transaction.atomic():
            row = OutgoingMail.objects.create(
                tenant=tenant or "",
                template=template,
                about=about,
                to=to,
                subject=" ".join(subject.split())[:200],
                content=encrypt(json.dumps({"text": body.strip() + "\n", "html": html})),
            )
            send("mail.carry", queue=EXECUTOR_QUEUE, tenant=None)
        return row.id


def brand_of(tenant: str | None) -> dict[str, str]:
    """What the tenant's mail shows of it; without a tenant the product's name."""
    name = str(get_open_tenant(tenant)) if tenant else "Kestra EE"
    return {"name": name, "initial": name[:1].upper()}


def carry_due(moment: datetime | None = None) -> int:
    """Try every mail that is due, each claimed by one process; answers how many were tried.

    Talks to the mail server outside any transaction. A process that dies here loses nothing: its claims end after
    LEASE.
    """
    tried = 0
    with public_scope():
        while claimed := claim_due(moment or now()):
            connection = get_connection()
            try:
                for row in claimed:
                    carry(row, connection)
                    tried += 1
            finally:
                connection.close()
    return tried


def claim_due(moment: datetime) -> list[OutgoingMail]:
    """Due mails, oldest first; the try is counted before it is made, so that one that kills its process ends too."""
    with transaction.atomic():
        due = OutgoingMail.objects.filter(state=MailState.PENDING, next_try__lte=moment).order_by("next_try")
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:AT_ONCE])
        OutgoingMail.objects.filter(pk__in=ids).update(attempts=F("attempts") + 1, next_try=moment + LEASE)
    return list(OutgoingMail.objects.filter(pk__in=ids).order_by("id"))


def carry(row: OutgoingMail, connection: Any) -> None:
    """One try; the row tells what came of it."""
    if row.attempts > len(BACK_OFF) + 1:
        reason = row.last_error or "Each try ended without an answer."
        _settle(row, state=MailState.FAILED, last_error=reason, content="")
        return
    try:
        content = json.loads(decrypt(row.content))
        message = EmailMultiAlternatives(
            row.subject, content["text"], settings.DEFAULT_FROM_EMAIL, [row.to], connection=connection
        )
        message.attach_alternative(content["html"], "text/html")
        message.send()
    except (OSError, smtplib.SMTPException, AnymailError, EncryptionError, BadHeaderError) as error:
        _put_off_or_give_up(row, error)
        return
    status = getattr(message, "anymail_status", None)
    message_id = str(getattr(status, "message_id", None) or "")[:255]
    _settle(row, state=MailState.SENT, sent=now(), message_id=message_id, last_error="", content="")


def note_bounce(message_id: str, address: str, reason: str) -> bool:
    """What a provider tells later: the mail came back. False for a message that is not ours."""
    with public_scope():
        rows = OutgoingMail.objects.filter(message_id=message_id, to__iexact=address)
        return bool(rows.update(state=MailState.BOUNCED, last_error=reason[:LONGEST_ERROR]))


def retry_mail(row: OutgoingMail) -> bool:
    """Try a waiting mail at once, for an administrator who has mended the server. False when it waits no longer."""
    waiting = OutgoingMail.objects.filter(pk=row.pk, state=MailState.PENDING)
    changed = bool(waiting.update(next_try=now(), attempts=0))
    send("mail.carry", queue=EXECUTOR_QUEUE, tenant=None)
    return changed


def forget_old_mail() -> int:
    """Rows of mail that is settled and older than KEEP."""
    with public_scope():
        old = OutgoingMail.objects.filter(created__lt=now() - KEEP).exclude(state=MailState.PENDING)
        return old.delete()[0]


def _put_off_or_give_up(row: OutgoingMail, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    log.warning("mail not taken", mail=row.id, attempt=row.attempts, error=reason)
    if is_final(error) or row.attempts > len(BACK_OFF):
        _settle(row, state=MailState.FAILED, last_error=reason, content="")
    else:
        _settle(row, next_try=now() + BACK_OFF[row.attempts - 1], last_error=reason)


def is_final(error: Exception) -> bool:
    """Whether the server refused this mail for good: another try would be refused too."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # an administrator mends the password
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    if isinstance(error, AnymailAPIError):
        return error.status_code in {400, 422}
    return isinstance(error, AnymailRecipientsRefused)


def _settle(row: OutgoingMail, **changes: Any) -> None:
    """Only the process that holds the claim writes: a later try has another number."""
    OutgoingMail.objects.filter(pk=row.pk, state=MailState.PENDING, attempts=row.attempts).update(**changes)
