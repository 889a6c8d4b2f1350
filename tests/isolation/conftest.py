"""A storage of the instance on its own, and folders that can be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.storage.internal_storage import default_backend

MASTER_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture(autouse=True)
def instance_storage(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where the instance's own files lie during the test."""
    folder = tmp_path / "instance"
    settings.KESTRA_STORAGE_TYPE = "local"
    settings.KESTRA_STORAGE_CONFIGURATION = {"basePath": str(folder)}
    settings.KESTRA_MASTER_KEY = MASTER_KEY
    default_backend.cache_clear()
    yield folder
    default_backend.cache_clear()
