"""S3Storage: internal storage in Amazon S3, or in anything that speaks its language (`s3` and `minio`)."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, ClassVar, Final, Self

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.session import get_session
from pydantic import Field, SecretStr, model_validator
from urllib3.exceptions import HTTPError

from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import FileMissing, StorageFailed
from apps.storage.backends.object_storage import Entry, ObjectStorage
from apps.storage.backends.remote_file import Counted, Opened, RemoteFile, buffered

PART: Final = 8 * 1024 * 1024
PARTS_AT_ONCE: Final = 3
"""Together with the part being read: at most 32 MB of memory, whatever the file's size."""
TRIES: Final = 5
MISSING: Final = ("NoSuchKey", "404", "NotFound")
DELETED_AT_ONCE: Final = 1000


class S3Config(BackendConfig):
    """Without keys and role the machine's own credentials are used (environment, profile, instance role)."""

    bucket: str = Field(title="Bucket", min_length=3)
    region: str | None = Field(None, title="Region")
    endpoint: str | None = Field(None, title="Address of the service, when it is not Amazon's", pattern="^https?://")
    access_key: SecretStr | None = Field(None, title="Access key")
    secret_key: SecretStr | None = Field(None, title="Secret key")
    session_token: SecretStr | None = Field(None, title="Session token")
    force_path_style: bool = Field(False, title="Bucket in the path instead of the host's name")
    sts_role_arn: str | None = Field(None, title="Role to assume")
    sts_role_external_id: str | None = Field(None, title="External id of the role")
    sts_role_session_name: str = Field("kestra-ee", title="Name of the role's session")
    sts_role_session_duration: timedelta = Field(timedelta(minutes=15), title="How long a session of the role lasts")
    sts_endpoint_override: str | None = Field(None, title="Address of the token service", pattern="^https?://")

    @model_validator(mode="after")
    def _keys_together(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("accessKey and secretKey go together")
        return self

    def host_access(self) -> str:
        """A role is assumed by whoever the keys belong to."""
        return "" if self.access_key is not None else "the machine's own AWS credentials"


class MinioConfig(S3Config):
    """The keys that Kestra has for MinIO; `endpoint` without a scheme."""

    endpoint: str | None = Field(title="Host")
    port: int = Field(9000, title="Port", ge=1, le=65535)
    secure: bool = Field(False, title="Over TLS")
    vhost: bool = Field(False, title="Bucket in the host's name")


class S3Storage(ObjectStorage):
    """One client for all threads; its pool of connections opens with the first request."""

    config_class: ClassVar[type[BackendConfig]] = S3Config

    def __init__(self, config: S3Config) -> None:
        self._bucket = config.bucket
        self._where = f"The storage s3 (bucket {config.bucket})"
        self._client = _client(config)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._client.close)
        self._transfer = TransferConfig(
            multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=PARTS_AT_ONCE, max_io_queue=1
        )
        # Parts that wait for a thread: ten by default, 80 MB.
        self._transfer.max_in_memory_upload_chunks = PARTS_AT_ONCE

    def open(self, path: str) -> BinaryIO:
        """One request; a second when a part is asked for by `seek`."""
        key = self._key(path)

        def get(offset: int, version: str) -> Opened:
            # A text that is no version would be refused, so the first request carries none.
            extra = {"Range": f"bytes={offset}-", "IfMatch": version} if version else {}
            with self._asked("reading", path):
                answer = self._client.get_object(Bucket=self._bucket, Key=key, **extra)
            return Opened(answer["Body"], answer["ContentLength"] + offset, answer["ETag"])

        def failed(why: str) -> StorageFailed:
            return StorageFailed(self._where, f"reading '{path}'", why)

        return buffered(RemoteFile(get(0, ""), get, (BotoCoreError, HTTPError, ConnectionError), failed))

    def _upload(self, key: str, content: Counted) -> None:
        with self._asked("writing", key):
            self._client.upload_fileobj(content, self._bucket, key, Config=self._transfer)

    def _head(self, key: str) -> Entry | None:
        try:
            with self._asked("reading", key):
                found = self._client.head_object(Bucket=self._bucket, Key=key)
        except FileMissing:
            return None
        return Entry(key, found["ContentLength"], found["LastModified"])

    def _entries(self, prefix: str, *, recursive: bool) -> Iterator[Entry]:
        wanted: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        if not recursive:
            wanted["Delimiter"] = "/"
        while True:
            with self._asked("listing", prefix):
                page = self._client.list_objects_v2(**wanted)
            for folder in page.get("CommonPrefixes", ()):
                yield Entry(folder["Prefix"].rstrip("/"), 0, datetime.fromtimestamp(0, UTC), is_folder=True)
            for item in page.get("Contents", ()):
                yield Entry(item["Key"], item["Size"], item["LastModified"])
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def _copy(self, source: str, target: str) -> None:
        with self._asked("copying", source):
            self._client.copy({"Bucket": self._bucket, "Key": source}, self._bucket, target, Config=self._transfer)

    def _remove(self, keys: Sequence[str]) -> None:
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        with self._asked("deleting", keys[0]):
            failed = self._client.delete_objects(Bucket=self._bucket, Delete=wanted).get("Errors")
        if failed:
            raise StorageFailed(self._where, f"deleting '{failed[0].get('Key')}'", str(failed[0].get("Code")))

    @contextmanager
    def _asked(self, doing: str, path: str) -> Iterator[None]:
        """The service's errors in our words; by their code, for their text may repeat what was sent."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            if code in MISSING:
                raise FileMissing(path) from error
            raise StorageFailed(self._where, f"{doing} '{path}'", code) from error
        except (BotoCoreError, Boto3Error, HTTPClientError) as error:
            raise StorageFailed(self._where, f"{doing} '{path}'", type(error).__name__) from error


class MinioStorage(S3Storage):
    """S3 under the configuration names of MinIO."""

    config_class: ClassVar[type[BackendConfig]] = MinioConfig

    def __init__(self, config: MinioConfig) -> None:
        address = f"{'https' if config.secure else 'http'}://{config.endpoint}:{config.port}"
        super().__init__(config.model_copy(update={"endpoint": address, "force_path_style": not config.vhost}))


def _client(config: S3Config) -> Any:
    session = get_session()
    if config.access_key is not None and config.secret_key is not None:
        token = config.session_token
        session.set_credentials(
            config.access_key.get_secret_value(),
            config.secret_key.get_secret_value(),
            None if token is None else token.get_secret_value(),
        )
    if config.sts_role_arn:
        session._credentials = _assumed(session, config)
    settings = Config(
        region_name=config.region or "us-east-1",
        retries={"mode": "standard", "total_max_attempts": TRIES},
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=20,
        s3={"addressing_style": "path" if config.force_path_style else "auto"},
    )
    return boto3.Session(botocore_session=session).client("s3", endpoint_url=config.endpoint, config=settings)


def _assumed(session: Any, config: S3Config) -> DeferredRefreshableCredentials:
    """Credentials of the role, asked for when first needed and again before they end."""

    def make_client(service: str, **arguments: Any) -> Any:
        return session.create_client(
            service, endpoint_url=config.sts_endpoint_override, region_name=config.region or "us-east-1", **arguments
        )

    extra: dict[str, Any] = {
        "RoleSessionName": config.sts_role_session_name,
        "DurationSeconds": int(config.sts_role_session_duration.total_seconds()),
    }
    if config.sts_role_external_id:
        extra["ExternalId"] = config.sts_role_external_id
    fetcher = AssumeRoleCredentialFetcher(make_client, session.get_credentials(), config.sts_role_arn, extra_args=extra)
    return DeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
