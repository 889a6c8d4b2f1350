"""The value of a secret for a namespace: its own level, then each parent, each in the backend that holds for it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from functools import cache
from typing import Any

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.common.namespace_paths import is_namespace, lineage
from apps.isolation.catalog import Kind, make_backend
from apps.isolation.selectors import Choices, read_choices
from apps.secrets.backends.base import SecretBackend
from apps.secrets.backends.environment import EnvironmentConfig, EnvironmentSecrets
from apps.secrets.catalog import Place, check_key

_ENVIRONMENT = EnvironmentSecrets(EnvironmentConfig())


class SecretCache:
    """Values that were found, for a while: ``KESTRA_SECRET_CACHE`` says how many and how long. For all threads."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str, str], tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tenant_id: str, namespace: str, key: str) -> str | None:
        """None when it is not known, or no longer."""
        found = self._held.get((tenant_id, namespace, key))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def put(self, tenant_id: str, namespace: str, key: str, value: str) -> None:
        """The oldest make room."""
        seconds, most = settings.KESTRA_SECRET_CACHE["seconds"], settings.KESTRA_SECRET_CACHE["most"]
        if seconds <= 0:
            return
        with self._lock:
            self._held[tenant_id, namespace, key] = (time.monotonic() + seconds, value)
            self._held.move_to_end((tenant_id, namespace, key))
            while len(self._held) > most:
                self._held.popitem(last=False)

    def forget(self, tenant_id: str) -> None:
        """All of a tenant: a change at one level may show at every level below."""
        with self._lock:
            for held in [held for held in self._held if held[0] == tenant_id]:
                del self._held[held]

    def forget_all(self) -> None:
        """For tests, and when settings change."""
        with self._lock:
            self._held.clear()


secret_cache = SecretCache()
"""Of this process. Another process sees a change when its own entry has expired (a minute)."""


@cache
def default_backend() -> SecretBackend:
    """The instance's own: ``KESTRA_SECRET_TYPE`` and ``KESTRA_SECRET_CONFIGURATION``. One for each process."""
    made: SecretBackend = make_backend(Kind.SECRET, settings.KESTRA_SECRET_TYPE, settings.KESTRA_SECRET_CONFIGURATION)
    return made


def backend_of(choices: Choices, namespace: str) -> SecretBackend:
    """The one that holds for a namespace. BackendDenied, BackendMisconfigured."""
    found: Any = choices.backend(namespace)
    return default_backend() if found is None else found


def find_secret(namespace: str, key: str) -> str | None:
    """The value as the open tenant's namespace inherits it; None when there is none.

    From the cache, without a query, within a minute of the last time; else one query for the choices and one call for
    each level. A namespace whose root still uses the instance's own backend also finds `SECRET_…` of the environment.
    IllegalArgument for a bad key, SecretBackendFailed, BackendDenied.
    """
    tenant_id = require_tenant("Secrets")
    cached = secret_cache.get(tenant_id, namespace, key)
    if cached is not None:
        return cached
    check_key(key)
    if not is_namespace(namespace):
        return None
    choices = read_choices(Kind.SECRET)
    levels = lineage(namespace)
    value: str | None = None
    for level in levels:
        value = backend_of(choices, level).read(Place(tenant_id, level), key)
        if value is not None:
            break
    if value is None and choices.deciding(levels[-1]) is None:
        value = _ENVIRONMENT.read(Place(tenant_id, levels[-1]), key)
    if value is not None:
        secret_cache.put(tenant_id, namespace, key, value)
    return value
