"""Which backend holds a tenant's files: found by entry point, made from the settings."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, cast

from django.conf import settings
from pydantic import ValidationError

from apps.storage.backends.base import StorageBackend

GROUP: Final = "kestra.storages"


class StorageMisconfigured(Exception):
    """The settings name no backend that exists, or do not fit it; the text says which and what to change."""


@cache
def backend_classes() -> dict[str, EntryPoint]:
    """Type name (``local``, …) → entry point; a backend's module is imported when it is first used."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def make_backend(kind: str, configuration: dict[str, Any]) -> StorageBackend:
    """A backend of a type name, made from its configuration. StorageMisconfigured."""
    entry = backend_classes().get(kind)
    if entry is None:
        known = ", ".join(sorted(backend_classes())) or "none: install the package again"
        raise StorageMisconfigured(f"There is no storage type '{kind}' (KESTRA_EE_STORAGE_TYPE); known are: {known}.")
    try:
        backend_class = entry.load()
    except ImportError as error:
        raise StorageMisconfigured(
            f"The storage type '{kind}' needs a library that is not installed: {error}"
        ) from error
    try:
        made = backend_class(backend_class.config_class.model_validate(configuration))
    except ValidationError as error:
        # Without what was given: it may be a credential.
        wrong = "; ".join(
            f"{'.'.join(map(str, found['loc'])) or 'all of it'}: {found['msg']}"
            for found in error.errors(include_input=False, include_url=False, include_context=False)
        )
        raise StorageMisconfigured(f"The configuration of the storage type '{kind}' is wrong: {wrong}") from None
    except (ValueError, OSError) as error:
        raise StorageMisconfigured(f"The storage type '{kind}' cannot be used as configured: {error}") from error
    return cast("StorageBackend", made)


@cache
def default_backend() -> StorageBackend:
    """The instance's own: ``KESTRA_STORAGE_TYPE`` and ``KESTRA_STORAGE_CONFIGURATION``. One for each process."""
    return make_backend(settings.KESTRA_STORAGE_TYPE, settings.KESTRA_STORAGE_CONFIGURATION)
