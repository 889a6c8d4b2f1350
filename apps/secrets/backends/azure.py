"""AzureSecrets: Azure Key Vault. Needs the extra `azure-key-vault`."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Self

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import AzureAuthorityHosts, ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.secrets import SecretClient
from pydantic import Field, SecretStr, model_validator

from apps.common.errors import IllegalArgument
from apps.isolation.catalog import BackendConfig, ConfigPart
from apps.secrets.backends.base import TRIES, SecretBackendFailed, SecretConfig, SecretsReadOnly, probe_secrets
from apps.secrets.backends.cloud_names import FilterOnTags, bears, cloud_name
from apps.secrets.catalog import Place, SecretMeta

MOST_NAME: Final = 127
MOST_VALUE_BYTES: Final = 25_000
MOST_TAGS: Final = 15
MOST_TAG_VALUE: Final = 256
OWN_TAGS: Final = ("prefix", "tenant", "namespace", "key", "description")
KEPT: Final = (403, 404, 409)
"""No right to purge, nothing to purge (a vault without soft delete), purge protection."""
_VAULT_NAME: Final = re.compile(r"[0-9A-Za-z-]{1,127}")


class AzureClientSecret(ConfigPart):
    """An application of Microsoft Entra ID."""

    tenant_id: str = Field(title="Directory (tenant) id")
    client_id: str = Field(title="Application (client) id")
    client_secret: SecretStr = Field(title="Client secret")


class AzureSecretConfig(SecretConfig):
    """Without a client secret the machine's own credentials are used (managed identity, workload identity, …)."""

    vault_name: str | None = Field(None, title="Name of the vault", pattern=r"^[A-Za-z0-9-]{3,24}$")
    key_vault_uri: str | None = Field(None, title="Address of the vault, when not <name>.vault.azure.net",
                                      pattern="^https://")  # fmt: skip
    client_secret: AzureClientSecret | None = None
    authority_host: str | None = Field(None, title="Sign-in service, when not the public cloud's", pattern="^https://")
    prefix: str = Field("kestra", title="What each name begins with", pattern=r"^[A-Za-z0-9-]{1,40}$")
    filter_on_tags: FilterOnTags | None = None

    @model_validator(mode="after")
    def _one_vault(self) -> Self:
        if (self.vault_name is None) == (self.key_vault_uri is None):
            raise ValueError("give one of vaultName and keyVaultUri")
        if self.filter_on_tags is not None and not self.read_only:
            raise ValueError("filterOnTags needs readOnly: such secrets are the same for all namespaces")
        return self

    def host_access(self) -> str:
        """What azure-identity finds on the machine."""
        return "" if self.client_secret is not None else "the machine's own Azure credentials"


class _Absent(Exception):
    """There is no such secret."""


class AzureSecrets:
    """Called `<prefix>-<tenant>-<namespace>-<key>-<digest>`; tags hold the exact words. Listing reads the whole vault.

    A deleted secret is purged, so that its name is free; where the vault keeps it (purge protection, no right to
    purge), writing the key again recovers it first.
    """

    config_class: ClassVar[type[BackendConfig]] = AzureSecretConfig

    def __init__(self, config: AzureSecretConfig) -> None:
        self.read_only = config.read_only
        self._config = config
        address = config.key_vault_uri or f"https://{config.vault_name}.vault.azure.net"
        self._where = f"The secret manager azure-key-vault ({address})"
        self._client = SecretClient(
            address,
            _credential(config),
            retry_total=TRIES - 1,
            retry_backoff_factor=0.2,
            retry_backoff_max=5,
            connection_timeout=5,
            read_timeout=10,
        )
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._client.close)

    def read(self, place: Place, key: str) -> str | None:
        """One request; the token's before the first."""
        name = self._name(place, key)
        if not _VAULT_NAME.fullmatch(name):
            return None
        try:
            with self._asked(f"reading '{key}'"):
                found = self._client.get_secret(name)
        except _Absent:
            return None
        wanted = self._config.filter_on_tags
        if wanted is not None and not bears(found.properties.tags, wanted.tags):
            return None
        return found.value

    def list(self, place: Place) -> list[SecretMeta]:
        """One request for each 25 secrets of the vault, whosesoever they are: the service has no filter."""
        with self._asked("listing"):
            found = [
                (str(item.name), dict(item.tags or {}))
                for item in self._client.list_properties_of_secrets()
                if item.enabled is not False
            ]
        wanted = self._config.filter_on_tags
        if wanted is not None:
            metas = [_meta(name, tags) for name, tags in found if bears(tags, wanted.tags)]
        else:
            own = {"prefix": self._config.prefix, "tenant": place.tenant_id, "namespace": place.namespace}
            metas = [_meta(tags["key"], tags) for _, tags in found if bears(tags, own) and "key" in tags]
        return sorted(metas, key=lambda meta: meta.key)

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """A new version. IllegalArgument beyond 25,000 bytes, ten tags or 256 characters in one: Azure's limits."""
        self._check_writable()
        if len(value.encode()) > MOST_VALUE_BYTES:
            raise IllegalArgument(f"Azure Key Vault takes a value of at most {MOST_VALUE_BYTES} bytes.")
        name = self._name(place, key)
        all_tags = self._tags(place, key, description, {**self._config.tags, **tags})
        is_new = self.read(place, key) is None
        with self._asked(f"writing '{key}'"):
            try:
                self._client.set_secret(name, value, tags=all_tags)
            except ResourceExistsError:
                # Deleted before, and kept by the vault.
                self._client.begin_recover_deleted_secret(name).wait()
                self._client.set_secret(name, value, tags=all_tags)
        return is_new

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Of the newest version."""
        self._check_writable()
        try:
            with self._asked(f"describing '{key}'"):
                self._client.update_secret_properties(
                    self._name(place, key), tags=self._tags(place, key, description, tags)
                )
        except _Absent:
            return False
        return True

    def delete(self, place: Place, key: str) -> bool:
        """Purged, if the vault lets it."""
        self._check_writable()
        name = self._name(place, key)
        try:
            with self._asked(f"deleting '{key}'"):
                deletion = self._client.begin_delete_secret(name)
                deletion.wait()
        except _Absent:
            return False
        try:
            self._client.purge_deleted_secret(name)
        except HttpResponseError as error:
            if error.status_code not in KEPT:
                raise SecretBackendFailed(self._where, f"purging '{key}'", f"HTTP {error.status_code}") from error
        return True

    def probe(self, tenant_id: str) -> None:
        """In the vault."""
        probe_secrets(self, tenant_id, self._where)

    def _name(self, place: Place, key: str) -> str:
        if self._config.filter_on_tags is not None:
            return key
        return cloud_name(self._config.prefix, place, key, most=MOST_NAME)

    def _tags(self, place: Place, key: str, description: str, tags: Mapping[str, str]) -> dict[str, str]:
        own = dict(
            zip(OWN_TAGS, (self._config.prefix, place.tenant_id, place.namespace, key, description), strict=True)
        )
        found = {name: text for name, text in {**tags, **own}.items() if text}
        if len(found) > MOST_TAGS or any(len(text) > MOST_TAG_VALUE for text in found.values()):
            raise IllegalArgument(
                f"Azure Key Vault takes at most {MOST_TAGS - len(OWN_TAGS)} tags, and a description or a tag of at "
                f"most {MOST_TAG_VALUE} characters."
            )
        return found

    def _check_writable(self) -> None:
        if self.read_only:
            raise SecretsReadOnly(self._where)

    @contextmanager
    def _asked(self, doing: str) -> Iterator[None]:
        """The service's errors in our words, by their code: their text may repeat what was sent."""
        try:
            yield
        except ResourceNotFoundError as error:
            raise _Absent from error
        except HttpResponseError as error:
            code = f"HTTP {error.status_code} {getattr(error.error, 'code', '') or ''}".strip()
            raise SecretBackendFailed(self._where, doing, code) from error
        except (AzureError, ValueError) as error:
            raise SecretBackendFailed(self._where, doing, type(error).__name__) from error


def _credential(config: AzureSecretConfig) -> TokenCredential:
    authority = config.authority_host or f"https://{AzureAuthorityHosts.AZURE_PUBLIC_CLOUD}"
    held = config.client_secret
    if held is None:
        return DefaultAzureCredential(authority=authority)
    # Asking the public cloud whether another's sign-in service is genuine would make no sense.
    return ClientSecretCredential(
        held.tenant_id,
        held.client_id,
        held.client_secret.get_secret_value(),
        authority=authority,
        disable_instance_discovery=config.authority_host is not None,
    )


def _meta(key: str, tags: dict[str, Any]) -> SecretMeta:
    others = {name: value for name, value in tags.items() if name not in OWN_TAGS}
    return SecretMeta(key, tags.get("description", ""), others)
