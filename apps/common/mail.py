"""The one door for mail: hands a message to the outbox named in settings, which keeps and carries it.

What is sent is a row written in the caller's transaction: no mail of a change that was rolled back, and none is lost
in a crash.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from apps.common.current_tenant import current_tenant_id
from apps.common.dispatch import CURRENT

NO_MAIL: Final = ""
"""In place of a mail's id: no mail server is configured, nothing was queued."""


class Outbox(Protocol):
    """Keeps a message until a mail server has taken it, and answers its id. Raises when a template is missing."""

    def put(self, template: str, to: str, context: Mapping[str, Any], *, about: str, tenant: str | None) -> str: ...


def mail_enabled() -> bool:
    """Whether mail can be sent at all; without it pages show links to copy."""
    return bool(settings.KESTRA_MAIL_ENABLED)


def send_mail_later(
    template: str, to: str, context: Mapping[str, Any], *, about: str = "", tenant: str | None = CURRENT
) -> str:
    """Queue templates/mail/<template>.txt and .html for one address; the id of the mail, or NO_MAIL.

    The first line of the .txt is the subject. `about` names what the mail belongs to (invitation:<id>), so that its
    page can tell what became of it. `tenant` gives the brand: the open one, None for the installation's own.
    Two inserts at most; the mail server is talked to later, by a job.
    """
    if not mail_enabled():
        return NO_MAIL
    brand = current_tenant_id() if tenant == CURRENT else tenant
    return _outbox(settings.KESTRA_OUTBOX).put(template, to, context, about=about, tenant=brand)


@cache
def _outbox(path: str) -> Outbox:
    made: Outbox = import_string(path)()
    return made
