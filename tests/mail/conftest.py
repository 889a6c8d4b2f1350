"""Mail that goes to a server of the test's own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.mail_server import MailServer, mail_server


@pytest.fixture
def smtp(settings: Any) -> Iterator[MailServer]:
    """Configured as the product's mail server."""
    with mail_server() as server:
        settings.KESTRA_MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
        settings.KESTRA_MAIL_ENABLED = True
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        settings.DEFAULT_FROM_EMAIL = "Kestra <kestra@example.com>"
        yield server
