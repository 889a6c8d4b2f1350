"""EnvironmentSecrets: `SECRET_<KEY>` of the process, in base64: the same for every namespace and tenant."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from typing import ClassVar, Final

from apps.isolation.catalog import BackendConfig
from apps.secrets.backends.base import SecretBackendFailed, SecretsReadOnly
from apps.secrets.catalog import Place, SecretMeta

PREFIX: Final = "SECRET_"
WHERE: Final = "The environment"


class EnvironmentConfig(BackendConfig):
    """Nothing to choose."""

    def host_access(self) -> str:
        """They are the installation's."""
        return "the environment of the machine's processes"


class EnvironmentSecrets:
    """Read afresh each time; keys are compared in upper case."""

    config_class: ClassVar[type[BackendConfig]] = EnvironmentConfig
    read_only = True

    def __init__(self, config: EnvironmentConfig) -> None:
        """No connection."""

    def read(self, place: Place, key: str) -> str | None:
        """SecretBackendFailed when the variable is not base64."""
        text = os.environ.get(PREFIX + key.upper())
        if text is None:
            return None
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise SecretBackendFailed(WHERE, f"reading {PREFIX}{key.upper()}", "it must be text in base64") from None

    def list(self, place: Place) -> list[SecretMeta]:
        """Of no namespace: they belong to none."""
        return []

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Refused."""
        raise SecretsReadOnly(WHERE)

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Refused."""
        raise SecretsReadOnly(WHERE)

    def delete(self, place: Place, key: str) -> bool:
        """Refused."""
        raise SecretsReadOnly(WHERE)

    def probe(self, tenant_id: str) -> None:
        """Always there."""
