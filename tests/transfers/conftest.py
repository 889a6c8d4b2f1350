"""The instance's own storage in a folder of the test, secrets in the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.secrets.services import default_backend as default_secrets
from apps.secrets.services import secret_cache
from apps.storage.internal_storage import default_backend

MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture(autouse=True)
def instance_storage(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where the instance's own files lie during the test."""
    folder = tmp_path / "instance"
    settings.KESTRA_STORAGE_TYPE, settings.KESTRA_STORAGE_CONFIGURATION = "local", {"basePath": str(folder)}
    settings.KESTRA_SECRET_TYPE, settings.KESTRA_SECRET_CONFIGURATION = "jdbc", {}
    settings.KESTRA_MASTER_KEY = MASTER_KEY
    for cached in (default_backend.cache_clear, default_secrets.cache_clear, secret_cache.forget_all):
        cached()
    yield folder
    for cached in (default_backend.cache_clear, default_secrets.cache_clear, secret_cache.forget_all):
        cached()
