"""Internal storage in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.storage.internal_storage import default_backend


@pytest.fixture(autouse=True)
def storage_folder(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """Where the files of all tenants are during the test."""
    folder = tmp_path / "storage"
    settings.KESTRA_STORAGE_TYPE = "local"
    settings.KESTRA_STORAGE_CONFIGURATION = {"basePath": str(folder)}
    default_backend.cache_clear()
    yield folder
    default_backend.cache_clear()
