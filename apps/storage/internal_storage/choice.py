"""Which backend holds a file: the one chosen for its namespace, a parent or the tenant, else the instance's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.isolation.catalog import BackendMisconfigured, Kind
from apps.isolation.catalog import make_backend as make_any
from apps.isolation.selectors import read_choices
from apps.storage.backends.base import StorageBackend
from apps.storage.internal_storage.addresses import owner_of

StorageMisconfigured = BackendMisconfigured


def make_backend(kind: str, configuration: dict[str, Any]) -> StorageBackend:
    """A storage backend of a type name, made from its configuration. StorageMisconfigured."""
    return cast("StorageBackend", make_any(Kind.STORAGE, kind, configuration))


@cache
def default_backend() -> StorageBackend:
    """The instance's own: ``KESTRA_STORAGE_TYPE`` and ``KESTRA_STORAGE_CONFIGURATION``. One for each process."""
    return make_backend(settings.KESTRA_STORAGE_TYPE, settings.KESTRA_STORAGE_CONFIGURATION)


def chosen_backends() -> Callable[[str], StorageBackend]:
    """Address → its backend, in the open tenant, as chosen now. One query; the answer makes none."""
    choices = read_choices(Kind.STORAGE)

    def backend_for(address: str) -> StorageBackend:
        found: StorageBackend | None = choices.backend(owner_of(address))
        return default_backend() if found is None else found

    return backend_for


def delete_tenant_files() -> int:
    """All bytes of the open tenant, in the instance's backend and in each dedicated one; answers how many files.

    May be called again after a failure: it goes on with what is left.
    """
    tenant_id, choices = require_tenant("Deleting files"), read_choices(Kind.STORAGE)
    backends: list[StorageBackend] = [default_backend()]
    backends += [found for spot in choices.spots() if (found := choices.backend(spot)) is not None]
    return sum(len(backend.delete_prefix(tenant_id)) for backend in backends)
