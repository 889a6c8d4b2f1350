"""AwsSecrets: AWS Secrets Manager."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field, SecretStr, model_validator

from apps.isolation.catalog import BackendConfig, ConfigPart
from apps.secrets.backends.base import TRIES, SecretBackendFailed, SecretConfig, SecretsReadOnly, probe_secrets
from apps.secrets.backends.cloud_names import FilterOnTags, bears
from apps.secrets.catalog import Place, SecretMeta

OWN_TAGS: Final = ("prefix", "tenant", "namespace", "key")
ABSENT: Final = ("ResourceNotFoundException",)


class FilterOnPrefix(ConfigPart):
    """Which secrets, made elsewhere, every namespace sees."""

    prefix: str = Field(title="What their names begin with", min_length=1)
    keep_prefix: bool = Field(False, title="The key begins with it, too")


class AwsConfig(SecretConfig):
    """Without keys the machine's own credentials are used."""

    region: str = Field("us-east-1", title="Region")
    access_key_id: SecretStr | None = Field(None, title="Access key")
    secret_key_id: SecretStr | None = Field(None, title="Secret key")
    session_token: SecretStr | None = Field(None, title="Session token")
    endpoint_override: str | None = Field(None, title="Address of the service, when not Amazon's", pattern="^https?://")
    prefix: str = Field("kestra", title="What each name begins with", pattern=r"^[A-Za-z0-9_+=.@-]+$")
    filter_on_tags: FilterOnTags | None = None
    filter_on_prefix: FilterOnPrefix | None = None

    @model_validator(mode="after")
    def _keys_together(self) -> Self:
        if (self.access_key_id is None) != (self.secret_key_id is None):
            raise ValueError("accessKeyId and secretKeyId go together")
        if not self.read_only and (self.filter_on_tags or self.filter_on_prefix):
            raise ValueError("filterOnTags and filterOnPrefix need readOnly: they are the same for all namespaces")
        return self

    def host_access(self) -> str:
        """Those of the instance's role, profile or environment."""
        return "" if self.access_key_id is not None else "the machine's own AWS credentials"


class _Absent(Exception):
    """There is no such secret."""


class AwsSecrets:
    """A secret is called ``<prefix>/<tenant>/<namespace>/<key>``: slashes, for no part has one."""

    config_class: ClassVar[type[BackendConfig]] = AwsConfig

    def __init__(self, config: AwsConfig) -> None:
        self.read_only = config.read_only
        self._config = config
        self._where = f"The secret manager aws-secret-manager ({config.region})"
        token = config.session_token
        keys: dict[str, Any] = {}
        if config.access_key_id is not None and config.secret_key_id is not None:
            keys = {
                "aws_access_key_id": config.access_key_id.get_secret_value(),
                "aws_secret_access_key": config.secret_key_id.get_secret_value(),
                "aws_session_token": None if token is None else token.get_secret_value(),
            }
        settings = Config(retries={"mode": "standard", "total_max_attempts": TRIES}, connect_timeout=5, read_timeout=10)
        session = boto3.Session(region_name=config.region, **keys)
        self._client = session.client("secretsmanager", endpoint_url=config.endpoint_override, config=settings)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._client.close)

    def read(self, place: Place, key: str) -> str | None:
        """One request; with `filterOnTags` two."""
        name = self._name(place, key)
        wanted = self._config.filter_on_tags
        if not name.startswith(self._start(place)):
            return None
        try:
            with self._asked(f"reading '{key}'"):
                if wanted is not None and not bears(_tags(self._client.describe_secret(SecretId=name)), wanted.tags):
                    return None
                found = self._client.get_secret_value(SecretId=name)
        except _Absent:
            return None
        text: str | None = found.get("SecretString")
        if text is None:
            raise SecretBackendFailed(self._where, f"reading '{key}'", "it holds bytes and no text")
        return text

    def list(self, place: Place) -> list[SecretMeta]:
        """One request for each hundred."""
        start, cut = self._start(place), len(self._name(place, ""))
        wanted = self._config.filter_on_tags
        filters = [{"Key": "name", "Values": [start]}] if start else []
        filters += [{"Key": "tag-key", "Values": [name]} for name in (wanted.tags if wanted is not None else ())]
        found: list[SecretMeta] = []
        with self._asked("listing"):
            pages = self._client.get_paginator("list_secrets").paginate(
                Filters=filters, PaginationConfig={"PageSize": 100}
            )
            for page in pages:
                # The service's filter forgives case and looks for words: what is not of this very place goes.
                found += [_meta(item, cut) for item in page["SecretList"] if self._holds(item, start)]
        return sorted(found, key=lambda meta: meta.key)

    def write(self, place: Place, key: str, value: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Create, else a new version."""
        self._check_writable()
        name = self._name(place, key)
        own = dict(zip(OWN_TAGS, (self._config.prefix, place.tenant_id, place.namespace, key), strict=True))
        all_tags = _as_tags({**self._config.tags, **tags, **own})
        try:
            with self._asked(f"writing '{key}'"):
                self._client.create_secret(Name=name, SecretString=value, Description=description, Tags=all_tags)
            return True
        except FileExistsError:
            with self._asked(f"writing '{key}'"):
                self._client.put_secret_value(SecretId=name, SecretString=value)
            self.describe(place, key, description=description, tags={**self._config.tags, **tags})
            return False

    def describe(self, place: Place, key: str, *, description: str, tags: Mapping[str, str]) -> bool:
        """Tags that are no longer wanted are taken off, but those that tell whose secret it is."""
        self._check_writable()
        name = self._name(place, key)
        try:
            with self._asked(f"describing '{key}'"):
                found = self._client.describe_secret(SecretId=name)
                self._client.update_secret(SecretId=name, Description=description)
                old = [tag["Key"] for tag in found.get("Tags", ()) if tag["Key"] not in (*OWN_TAGS, *tags)]
                if old:
                    self._client.untag_resource(SecretId=name, TagKeys=old)
                wanted = {key: value for key, value in tags.items() if key not in OWN_TAGS}
                if wanted:
                    self._client.tag_resource(SecretId=name, Tags=_as_tags(wanted))
        except _Absent:
            return False
        return True

    def delete(self, place: Place, key: str) -> bool:
        """At once, so that the key can be used again."""
        self._check_writable()
        name = self._name(place, key)
        try:
            with self._asked(f"deleting '{key}'"):
                self._client.describe_secret(SecretId=name)
                self._client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except _Absent:
            return False
        return True

    def probe(self, tenant_id: str) -> None:
        """In the service."""
        probe_secrets(self, tenant_id, self._where)

    def _name(self, place: Place, key: str) -> str:
        """Of one made elsewhere the key is its name, or what follows the prefix."""
        filtered = self._config.filter_on_prefix
        if filtered is not None:
            return key if filtered.keep_prefix else filtered.prefix + key
        if self._config.filter_on_tags is not None:
            return key
        return f"{self._config.prefix}/{place.tenant_id}/{place.namespace}/{key}"

    def _start(self, place: Place) -> str:
        """What the names of all secrets of a place begin with."""
        filtered = self._config.filter_on_prefix
        return filtered.prefix if filtered is not None else self._name(place, "")

    def _holds(self, item: Mapping[str, Any], start: str) -> bool:
        wanted = self._config.filter_on_tags
        if wanted is not None and not bears(_tags(item), wanted.tags):
            return False
        elsewhere = wanted is not None or self._config.filter_on_prefix is not None
        name: str = item["Name"]
        return name.startswith(start) and (elsewhere or "/" not in name.removeprefix(start))

    def _check_writable(self) -> None:
        if self.read_only:
            raise SecretsReadOnly(self._where)

    @contextmanager
    def _asked(self, doing: str) -> Iterator[None]:
        """The service's errors in our words, by their code: their text may repeat what was sent."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in ABSENT:
                raise _Absent from error
            if code == "ResourceExistsException":
                raise FileExistsError from error
            raise SecretBackendFailed(self._where, doing, code) from error
        except BotoCoreError as error:
            raise SecretBackendFailed(self._where, doing, type(error).__name__) from error


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}


def _meta(item: Mapping[str, Any], cut: int) -> SecretMeta:
    tags = {name: value for name, value in _tags(item).items() if name not in OWN_TAGS}
    return SecretMeta(item["Name"][cut:], item.get("Description", ""), tags)


def _as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
