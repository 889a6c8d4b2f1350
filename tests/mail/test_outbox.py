"""Mail: written with the change it tells of, carried by a real SMTP conversation, tried again, given up, bounced."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.template import engines
from django.test import Client
from jinja2 import ChoiceLoader, DictLoader

from apps.common.clock import now
from apps.common.mail import NO_MAIL, send_mail_later
from apps.mail.models import MailState, OutgoingMail
from apps.mail.selectors import latest_about
from apps.mail.services import BACK_OFF, LEASE, carry_due, claim_due, forget_old_mail
from apps.mail.views import events_path
from apps.tenants.models import Tenant
from tests.support.inline_dispatcher import Jobs
from tests.support.mail_server import MailServer, part_of

pytestmark = pytest.mark.django_db
HELLO = {
    "mail/hello.txt": "Hello {{ name }} of {{ brand.name }}\n\nOpen {{ link }}\n",
    "mail/hello.html": (
        '{% extends "mail/layout.html" %}{% block content %}<p>Hello <b>{{ name }}</b></p>{% endblock %}'
    ),
}
LINK = "http://localhost:8080/ui/invite/x?a=1&b=2"


@pytest.fixture(autouse=True)
def _hello(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: Any = engines["jinja2"].env  # type: ignore[attr-defined]
    monkeypatch.setattr(environment, "loader", ChoiceLoader([DictLoader(HELLO), environment.loader]))


def put(to: str = "priya@example.com", about: str = "") -> OutgoingMail:
    mail_id = send_mail_later("hello", to, {"name": "Priya <Nair>", "link": LINK}, about=about)
    return OutgoingMail.objects.get(pk=mail_id)


def test_a_mail_arrives_with_both_parts_in_the_name_of_the_tenant(
    smtp: MailServer, in_alpha: Tenant, jobs: Jobs
) -> None:
    row = put()
    assert row.state == MailState.PENDING
    assert "Priya" not in row.content, "links in mails open doors: what waits is encrypted"
    assert [job.job for job in jobs.sent] == ["mail.carry"]
    assert carry_due() == 1
    [message] = smtp.received
    assert message["Subject"] == "Hello Priya <Nair> of Alpha"
    assert message["From"] == "Kestra <kestra@example.com>"
    assert LINK in part_of(message, "plain")
    assert "<b>Priya &lt;Nair&gt;</b>" in part_of(message, "html")
    row.refresh_from_db()
    assert (row.state, row.content, row.attempts) == (MailState.SENT, "", 1)
    assert carry_due() == 0


def test_without_a_mail_server_nothing_is_queued(settings: Any) -> None:
    settings.KESTRA_MAIL_ENABLED = False
    assert send_mail_later("hello", "priya@example.com", {}) == NO_MAIL
    assert not OutgoingMail.objects.exists()


def test_a_change_that_is_rolled_back_sends_nothing(smtp: MailServer) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        put()
        raise ZeroDivisionError
    assert carry_due() == 0


def test_a_server_that_cannot_now_is_asked_again_later_and_at_last_given_up(smtp: MailServer) -> None:
    smtp.refusals["priya@example.com"] = "451 Try again later"
    row = put()
    moment = now()
    with time_machine.travel(moment, tick=False) as clock:
        for pause in BACK_OFF:
            assert carry_due() == 1
            assert carry_due() == 0, "not before the pause is over"
            row.refresh_from_db()
            assert row.state == MailState.PENDING
            assert "451" in row.last_error
            assert row.next_try == now() + pause
            clock.shift(pause)
        assert carry_due() == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.content) == (MailState.FAILED, len(BACK_OFF) + 1, "")


def test_an_address_that_is_refused_for_good_is_not_tried_again_and_holds_up_nobody(smtp: MailServer) -> None:
    smtp.refusals["nobody@example.com"] = "550 No such mailbox"
    refused, good = put("nobody@example.com"), put()
    assert carry_due() == 2
    refused.refresh_from_db()
    good.refresh_from_db()
    assert refused.state == MailState.FAILED
    assert "550" in refused.last_error
    assert good.state == MailState.SENT


def test_a_server_that_is_gone_costs_a_delay_only(smtp: MailServer, settings: Any) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    row = put()
    carry_due()
    row.refresh_from_db()
    assert (row.state, row.attempts) == (MailState.PENDING, 1)
    settings.EMAIL_PORT = port
    assert carry_due(now() + BACK_OFF[0]) == 1
    assert len(smtp.received) == 1


def test_a_process_that_dies_while_carrying_loses_nothing(smtp: MailServer) -> None:
    put()
    assert len(claim_due(now())) == 1, "claimed, and then the process is gone"
    assert carry_due() == 0
    assert carry_due(now() + LEASE + timedelta(seconds=1)) == 1
    assert len(smtp.received) == 1


def test_what_a_provider_tells_of_a_bounce_is_shown_with_the_mail(smtp: MailServer, settings: Any) -> None:
    settings.KESTRA_MAIL_PROVIDER = "postmark"
    row = put(about="invitation:1")
    OutgoingMail.objects.filter(pk=row.pk).update(state=MailState.SENT, message_id="abc-1", content="")
    told = {
        "RecordType": "Bounce", "MessageID": "abc-1", "ID": 42, "Type": "HardBounce", "TypeCode": 1,
        "Email": "Priya@example.com", "BouncedAt": "2026-01-15T10:00:00Z", "Description": "Unknown mailbox",
        "Details": "550 5.1.1", "Tag": "", "Subject": "x",
    }  # fmt: skip
    client = Client()
    assert client.post(events_path("postmark"), told, content_type="application/json").status_code == 200
    found = latest_about(["invitation:1"])["invitation:1"]
    assert (found.state, "Unknown mailbox" in found.last_error) == (MailState.BOUNCED, True)

    forged = events_path("postmark")[:-1] + "x"
    assert client.post(forged, told, content_type="application/json").status_code == 404
    assert client.post(events_path("mailgun"), told, content_type="application/json").status_code == 404
    assert client.post(events_path("postmark"), "junk", content_type="application/json").status_code == 400


def test_settled_mail_is_forgotten_and_what_waits_is_not(smtp: MailServer) -> None:
    sent, waiting = put(), put()
    OutgoingMail.objects.filter(pk=sent.pk).update(state=MailState.SENT)
    OutgoingMail.objects.update(created=now() - timedelta(days=91))
    assert forget_old_mail() == 1
    assert OutgoingMail.objects.get().pk == waiting.pk
