"""SecretBackend: what a place for secrets must do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import ClassVar, Final, Protocol

from pydantic import Field

from apps.common.errors import IllegalState, ProductError
from apps.isolation.catalog import BackendConfig
from apps.secrets.catalog import Place, SecretMeta

TRIES: Final = 5
PROBED_NAMESPACE: Final = "kestra-ee.connection-test"


class SecretBackendFailed(ProductError):
    """A secret manager refused or did not answer, also after it was asked again. Never shows a value."""

    status, reason = 502, "Secret manager failed"

    def __init__(self, where: str, doing: str, why: str) -> None:
        super().__init__(f"{where} failed at {doing}: {why}"[:500])


class SecretsReadOnly(IllegalState):
    """The secrets of this place are managed elsewhere."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is read-only here: change its secrets where they are managed.")


class SecretConfig(BackendConfig):
    """What each secret manager can be told."""

    harmless: ClassVar[frozenset[str]] = frozenset({"read_only", "tags"})

    read_only: bool = Field(False, title="Read only: nothing is created, changed or deleted")
    tags: Mapping[str, str] = Field(default_factory=dict, title="Tags for each new secret")


class SecretBackend(Protocol):
    """Secrets by place and key. Made with ``Backend(config)``; threads share one. SecretBackendFailed."""

    config_class: ClassVar[type[BackendConfig]]
    read_only: bool

    def read(self, place: Place, key: str) -> str | None:
        """The value; None when this very place has none."""
        ...

    def list(self, place: Place) -> list[SecretMeta]:
        """What this very place holds, by key, without values."""
        ...

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Create or replace; True when it is new."""
        ...

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Change what is known beside the value; False when there is no such secret."""
        ...

    def delete(self, place: Place, key: str) -> bool:
        """Remove it, without a way back; False when there was none."""
        ...

    def probe(self, tenant_id: str) -> None:
        """See `probe_secrets`."""
        ...


def probe_secrets(backend: SecretBackend, tenant_id: str, where: str) -> None:
    """A real write, read and delete; of a read-only one a read. SecretBackendFailed."""
    place, key, value = Place(tenant_id, PROBED_NAMESPACE), f"test_{secrets.token_hex(8)}", secrets.token_hex(16)
    if backend.read_only:
        backend.read(place, key)
        return
    backend.write(place, key, value, description="", tags={})
    found = backend.read(place, key)
    if not backend.delete(place, key) or found != value:
        raise SecretBackendFailed(where, "reading what was just written", "it gave back something else")
