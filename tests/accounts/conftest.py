"""Second factors, providers' secrets and mails are sealed: accounts' tests have a master key."""

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _master_key(settings: Any) -> None:
    settings.KESTRA_MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
