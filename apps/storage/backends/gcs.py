"""GcsStorage: internal storage in Google Cloud Storage. Needs the extra `gcs`."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, BinaryIO, ClassVar, Final

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Blob, Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY
from google.oauth2.service_account import Credentials
from pydantic import Field, SecretStr, field_validator
from requests.exceptions import RequestException

from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import FileMissing, StorageFailed
from apps.storage.backends.object_storage import Entry, ObjectStorage
from apps.storage.backends.remote_file import Counted, Opened, RemoteFile, buffered

PART: Final = 8 * 1024 * 1024
SCOPE: Final = "https://www.googleapis.com/auth/devstorage.read_write"
RETRY: Final = DEFAULT_RETRY.with_timeout(60)


class GcsConfig(BackendConfig):
    """Without a service account the machine's own credentials are used."""

    bucket: str = Field(title="Bucket", min_length=3)
    project_id: str | None = Field(None, title="Project")
    service_account: SecretStr | None = Field(None, title="Service account (its JSON file)")
    endpoint: str | None = Field(None, title="Address of the service, when it is not Google's", pattern="^https?://")

    @field_validator("service_account")
    @classmethod
    def _is_json(cls, given: SecretStr | None) -> SecretStr | None:
        if given is None:
            return given
        try:
            held = json.loads(given.get_secret_value())
        except ValueError:
            held = None
        if not isinstance(held, dict) or "private_key" not in held:
            # Without the parser's words, which would repeat the text.
            raise ValueError("the service account must be the JSON that Google gives, with its private_key")
        return given

    def host_access(self) -> str:
        """Another's server (an emulator) is asked without credentials."""
        return "" if self.service_account is not None or self.endpoint else "the machine's own Google credentials"


class GcsStorage(ObjectStorage):
    """One client for all threads. An upload in parts becomes an object with its last one."""

    config_class: ClassVar[type[BackendConfig]] = GcsConfig

    def __init__(self, config: GcsConfig) -> None:
        self._where = f"The storage gcs (bucket {config.bucket})"
        self._client = _client(config)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._client.close)
        self._bucket = self._client.bucket(config.bucket)

    def open(self, path: str) -> BinaryIO:
        """Two requests, and one more for each 8 MB."""
        key = self._key(path)

        def get(offset: int, version: str) -> Opened:
            if version:
                return Opened(_Parts(self._bucket.blob(key, generation=int(version)), offset), 0, version)
            with self._asked("reading", path):
                found = self._bucket.get_blob(key, retry=RETRY)
            if found is None:
                raise FileMissing(path)
            # A new Blob: one that knows the server's own link would not ask the configured address.
            same = self._bucket.blob(key, generation=found.generation)
            return Opened(_Parts(same, 0), found.size, str(found.generation))

        def failed(why: str) -> StorageFailed:
            return StorageFailed(self._where, f"reading '{path}'", why)

        return buffered(RemoteFile(get(0, ""), get, (GoogleAPIError, InvalidResponse, RequestException), failed))

    def _upload(self, key: str, content: Counted) -> None:
        blob = self._bucket.blob(key)
        with self._asked("writing", key):
            short = content.if_shorter_than(PART)
            if short is not None:
                blob.upload_from_string(short, "application/octet-stream", retry=RETRY, checksum="crc32c")
                return
            blob.chunk_size = PART
            blob.upload_from_file(content, retry=RETRY, checksum="crc32c")

    def _head(self, key: str) -> Entry | None:
        with self._asked("reading", key):
            found = self._bucket.get_blob(key, retry=RETRY)
        return None if found is None else Entry(key, found.size, found.updated)

    def _entries(self, prefix: str, *, recursive: bool) -> Iterator[Entry]:
        with self._asked("listing", prefix):
            found = self._client.list_blobs(
                self._bucket, prefix=prefix, delimiter=None if recursive else "/", retry=RETRY
            )
            for blob in found:
                yield Entry(blob.name, blob.size, blob.updated)
            for folder in found.prefixes:
                yield Entry(folder.rstrip("/"), 0, datetime.fromtimestamp(0, UTC), is_folder=True)

    def _copy(self, source: str, target: str) -> None:
        old, new = self._bucket.blob(source), self._bucket.blob(target)
        with self._asked("copying", source):
            token, _, _ = new.rewrite(old, retry=RETRY)
            while token is not None:
                token, _, _ = new.rewrite(old, token=token, retry=RETRY)

    def _remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                with self._asked("deleting", key):
                    self._bucket.blob(key).delete(retry=RETRY)
            except FileMissing:
                continue  # another one deletes the same

    @contextmanager
    def _asked(self, doing: str, path: str) -> Iterator[None]:
        """The service's errors in our words."""
        try:
            yield
        except NotFound as error:
            if "bucket" in str(error.message).lower():
                raise StorageFailed(self._where, f"{doing} '{path}'", "there is no such bucket") from error
            raise FileMissing(path) from error
        except GoogleAPIError as error:
            code = getattr(error, "code", None)
            why = type(error).__name__ if code is None else f"HTTP {int(code)}"
            raise StorageFailed(self._where, f"{doing} '{path}'", why) from error
        except (GoogleAuthError, InvalidResponse, DataCorruption, RequestException) as error:
            raise StorageFailed(self._where, f"{doing} '{path}'", type(error).__name__) from error


class _Parts:
    """The bytes of one generation of an object, fetched 8 MB at a time."""

    def __init__(self, blob: Blob, offset: int) -> None:
        self._blob = blob
        self._next = offset
        self._held = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """RemoteFile never asks beyond the end."""
        if not self._held:
            part = self._blob.download_as_bytes(
                start=self._next,
                end=self._next + PART - 1,
                retry=RETRY,
                checksum=None,  # of a part the service gives none
            )
            self._next += len(part)
            self._held = memoryview(part)
        given, self._held = self._held[:size], self._held[size:]
        return bytes(given)


def _client(config: GcsConfig) -> Client:
    options: dict[str, Any] = {}
    credentials: Any = None
    if config.endpoint:
        options["api_endpoint"] = config.endpoint
    if config.service_account is not None:
        held = json.loads(config.service_account.get_secret_value())
        credentials = Credentials.from_service_account_info(held, scopes=[SCOPE])
    elif config.endpoint:
        credentials = AnonymousCredentials()
    return Client(project=config.project_id or "kestra", credentials=credentials, client_options=options or None)
