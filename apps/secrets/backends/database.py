"""DatabaseSecrets: secrets in a table of the tenant, each encrypted with the tenant's data key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import transaction
from django.db.models import QuerySet

from apps.common.current_tenant import require_tenant
from apps.encryption.services import decrypt, encrypt
from apps.isolation.catalog import BackendConfig
from apps.secrets.backends.base import probe_secrets
from apps.secrets.catalog import Place, SecretMeta
from apps.secrets.models import Secret


class DatabaseConfig(BackendConfig):
    """Nothing to choose: keys are the tenant's, the master key is the installation's."""


class DatabaseSecrets:
    """In the open tenant alone: another one's place is an error."""

    config_class: ClassVar[type[BackendConfig]] = DatabaseConfig
    read_only = False

    def __init__(self, config: DatabaseConfig) -> None:
        """No connection of its own."""

    def read(self, place: Place, key: str) -> str | None:
        """One query."""
        found = self._rows(place).filter(key=key).values_list("value", flat=True).first()
        return None if found is None else decrypt(found)

    def list(self, place: Place) -> list[SecretMeta]:
        """One query."""
        rows = self._rows(place).order_by("key").values_list("key", "description", "tags")
        return [SecretMeta(key, description, tags) for key, description, tags in rows]

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Two writers of a new key follow one another."""
        self._rows(place)
        _, is_new = Secret.objects.update_or_create(
            namespace=place.namespace,
            key=key,
            defaults={"value": encrypt(value), "description": description, "tags": dict(tags)},
        )
        return is_new

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """The value is not touched."""
        with transaction.atomic():
            row = self._rows(place).select_for_update().filter(key=key).first()
            if row is None:
                return False
            row.description, row.tags = description, dict(tags)
            row.save(update_fields=["description", "tags"])
        return True

    def delete(self, place: Place, key: str) -> bool:
        """The row goes."""
        return bool(self._rows(place).filter(key=key).delete()[0])

    def probe(self, tenant_id: str) -> None:
        """Shows that a master key is set."""
        probe_secrets(self, tenant_id, "The secret manager jdbc")

    def _rows(self, place: Place) -> QuerySet[Secret]:
        if place.tenant_id != require_tenant("Secrets"):
            raise LookupError(f"The tenant '{place.tenant_id}' is not the open one.")
        return Secret.objects.filter(namespace=place.namespace)
