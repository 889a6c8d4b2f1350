"""AzureStorage: internal storage in Azure Blob Storage, also in accounts with folders (Data Lake Storage Gen2)."""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, ClassVar, Final, Self

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobPrefix, BlobProperties, ContainerClient, ExponentialRetry
from pydantic import Field, SecretStr, model_validator

from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import FileMissing, StorageFailed
from apps.storage.backends.object_storage import Entry, ObjectStorage
from apps.storage.backends.remote_file import Counted, Opened, RemoteFile, buffered

PART: Final = 4 * 1024 * 1024
PARTS_AT_ONCE: Final = 2
FOLDER_MARK: Final = "hdi_isfolder"
"""Metadata of a folder, in an account that has folders."""
GONE: Final = 404
MAX_COPY_WAIT: Final = 5.0


class AzureConfig(BackendConfig):
    """One way to sign in: a connection string, an account key, or a shared access signature."""

    container: str = Field(title="Container (file system)", min_length=3)
    endpoint: str | None = Field(None, title="Address of the account's blob service", pattern="^https?://")
    connection_string: SecretStr | None = Field(None, title="Connection string")
    shared_key_account_name: str | None = Field(None, title="Name of the account")
    shared_key_account_access_key: SecretStr | None = Field(None, title="Key of the account")
    sas_token: SecretStr | None = Field(None, title="Shared access signature")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        ways = (self.connection_string, self.shared_key_account_access_key, self.sas_token)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("give one of connectionString, sharedKeyAccountAccessKey and sasToken")
        if self.connection_string is None and not self.endpoint:
            raise ValueError("endpoint is needed: https://<account>.blob.core.windows.net")
        if self.shared_key_account_access_key is not None and not self.shared_key_account_name:
            raise ValueError("sharedKeyAccountName is needed with sharedKeyAccountAccessKey")
        return self


class AzureStorage(ObjectStorage):
    """One client for all threads. An upload's blocks become a blob in one last call."""

    config_class: ClassVar[type[BackendConfig]] = AzureConfig

    def __init__(self, config: AzureConfig) -> None:
        self._where = f"The storage azure (container {config.container})"
        self._container = _container(config)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._container.close)

    def open(self, path: str) -> BinaryIO:
        """A request for each 4 MB; all of one version, or an error."""
        key = self._key(path)

        def get(offset: int, version: str) -> Opened:
            same: dict[str, Any] = (
                {"etag": version, "match_condition": MatchConditions.IfNotModified} if version else {}
            )
            with self._asked("reading", path):
                answer = self._container.get_blob_client(key).download_blob(
                    offset=offset or None, max_concurrency=1, **same
                )
            if _is_folder(answer.properties):
                raise FileMissing(path)
            # `size` is that of what is sent, which is less than the blob when it begins later.
            return Opened(answer, answer.size + offset, answer.properties.etag)

        def failed(why: str) -> StorageFailed:
            return StorageFailed(self._where, f"reading '{path}'", why)

        return buffered(RemoteFile(get(0, ""), get, (AzureError, ConnectionError), failed))

    def _upload(self, key: str, content: Counted) -> None:
        with self._asked("writing", key):
            # The library never ends with an empty stream of unknown length.
            short = content.if_shorter_than(PART)
            self._container.upload_blob(
                key, content if short is None else short, overwrite=True, max_concurrency=PARTS_AT_ONCE
            )

    def _head(self, key: str) -> Entry | None:
        try:
            with self._asked("reading", key):
                found = self._container.get_blob_client(key).get_blob_properties()
        except FileMissing:
            return None
        return None if _is_folder(found) else Entry(key, found.size, found.last_modified)

    def _entries(self, prefix: str, *, recursive: bool) -> Iterator[Entry]:
        with self._asked("listing", prefix):
            if recursive:
                for found in self._container.list_blobs(name_starts_with=prefix, include=["metadata"]):
                    yield Entry(found.name, found.size, found.last_modified, is_folder=_is_folder(found))
                return
            for item in self._container.walk_blobs(name_starts_with=prefix, include=["metadata"], delimiter="/"):
                if isinstance(item, BlobPrefix):
                    yield Entry(item.name.rstrip("/"), 0, datetime.fromtimestamp(0, UTC), is_folder=True)
                elif not _is_folder(item):  # such a one is in the answer as a prefix, too
                    yield Entry(item.name, item.size, item.last_modified)

    def _copy(self, source: str, target: str) -> None:
        copied = self._container.get_blob_client(target)
        with self._asked("copying", source):
            state: Any = copied.start_copy_from_url(self._container.get_blob_client(source).url)["copy_status"]
            wait = 0.05
            while state == "pending":
                time.sleep(wait)
                wait = min(wait * 2, MAX_COPY_WAIT)
                state = copied.get_blob_properties().copy.status or ""
        if state != "success":
            raise StorageFailed(self._where, f"copying '{source}'", str(state))

    def _remove(self, keys: Sequence[str]) -> None:
        # The deepest first: in an account with folders a folder goes only when it is empty.
        with self._asked("deleting", keys[0]):
            for answer in self._container.delete_blobs(*sorted(keys, reverse=True), raise_on_any_failure=False):
                if answer.status_code >= 300 and answer.status_code != GONE:
                    raise StorageFailed(self._where, f"deleting '{keys[0]}' and others", f"HTTP {answer.status_code}")

    @contextmanager
    def _asked(self, doing: str, path: str) -> Iterator[None]:
        """The service's errors in our words; by their code, for their text repeats the address, which may be signed."""
        try:
            yield
        except ResourceNotFoundError as error:
            if getattr(error, "error_code", None) == "ContainerNotFound":
                raise StorageFailed(self._where, f"{doing} '{path}'", "there is no such container") from error
            raise FileMissing(path) from error
        except HttpResponseError as error:
            why = f"HTTP {error.status_code} {getattr(error, 'error_code', '') or ''}"
            raise StorageFailed(self._where, f"{doing} '{path}'", why) from error
        except AzureError as error:
            raise StorageFailed(self._where, f"{doing} '{path}'", type(error).__name__) from error


def _is_folder(found: BlobProperties) -> bool:
    return str((found.metadata or {}).get(FOLDER_MARK, "")).lower() == "true"


def _container(config: AzureConfig) -> ContainerClient:
    shared: dict[str, Any] = {
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4, random_jitter_range=1),
        "max_single_put_size": PART,
        "max_block_size": PART,
        "max_single_get_size": PART,
        "max_chunk_get_size": PART,
        "connection_timeout": 10,
        "read_timeout": 60,
    }
    if config.connection_string is not None:
        return ContainerClient.from_connection_string(
            config.connection_string.get_secret_value(), config.container, **shared
        )
    credential: str | dict[str, str]
    if config.shared_key_account_access_key is not None:
        credential = {
            "account_name": str(config.shared_key_account_name),
            "account_key": config.shared_key_account_access_key.get_secret_value(),
        }
    else:
        credential = config.sas_token.get_secret_value() if config.sas_token is not None else ""
    return ContainerClient(str(config.endpoint), config.container, credential=credential, **shared)
