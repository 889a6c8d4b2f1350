"""AdlsStorage: internal storage in Azure Data Lake Storage Gen2, which has real folders: a move is one rename."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar, Final, Self

import structlog
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import ExponentialRetry
from azure.storage.filedatalake import FileProperties, FileSystemClient, PathProperties
from pydantic import Field, SecretStr, model_validator

from apps.common.ids import new_id
from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import (
    FileAttributes,
    FileKind,
    FileMissing,
    InvalidPath,
    PathTaken,
    StorageFailed,
    check_path,
    probe_storage,
)
from apps.storage.backends.remote_file import Opened, RemoteFile, buffered

log = structlog.get_logger(__name__)

PART: Final = 4 * 1024 * 1024
UNFINISHED: Final = ".unfinished"
"""Where a file lies until it is whole; no tenant's folder begins with a dot."""
FOLDER_MARK: Final = "hdi_isfolder"
NO_PARENT: Final = ("RenameDestinationParentPathNotFound",)
TAKEN: Final = ("PathAlreadyExists", "DirectoryNotEmpty", "InvalidSourceOrDestinationResourceType",
                "ResourceTypeMismatch", "PathConflict", "SourcePathNotAllowed")  # fmt: skip


class AdlsConfig(BackendConfig):
    """One way to sign in: a connection string, an account key, or a shared access signature."""

    file_system: str = Field(title="File system (container)", min_length=3)
    endpoint: str | None = Field(None, title="Address of the account's dfs service", pattern="^https?://")
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
            raise ValueError("endpoint is needed: https://<account>.dfs.core.windows.net")
        if self.shared_key_account_access_key is not None and not self.shared_key_account_name:
            raise ValueError("sharedKeyAccountName is needed with sharedKeyAccountAccessKey")
        return self


class AdlsStorage:
    """One client for all threads. A file is written beside and renamed into its place; 4 MB of memory at a time."""

    config_class: ClassVar[type[BackendConfig]] = AdlsConfig

    def __init__(self, config: AdlsConfig) -> None:
        self._name = config.file_system
        self._where = f"The storage adls (file system {config.file_system})"
        self._files = _file_system(config)
        # A backend that is chosen no more is dropped with its connections.
        weakref.finalize(self, self._files.close)

    def put(self, path: str, content: BinaryIO) -> int:
        """A request for each 4 MB, and three."""
        self._checked(path)
        beside, size = f"{UNFINISHED}/{new_id()}", 0
        file = self._files.get_file_client(beside)
        try:
            with self._asked("writing", path):
                file.create_file()
            while data := _part(content):
                with self._asked("writing", path):
                    file.append_data(data, offset=size, length=len(data))
                size += len(data)
            with self._asked("writing", path):
                file.flush_data(size)
            self._rename(beside, path)
        except BaseException:
            self._give_up(beside)
            raise
        return size

    def open(self, path: str) -> BinaryIO:
        """A request for each 4 MB; all of one version, or an error."""
        key = self._checked(path)

        def get(offset: int, version: str) -> Opened:
            same: dict[str, Any] = (
                {"etag": version, "match_condition": MatchConditions.IfNotModified} if version else {}
            )
            with self._asked("reading", path):
                answer = self._files.get_file_client(key).download_file(
                    offset=offset or None, max_concurrency=1, **same
                )
            if _is_folder(answer.properties):
                raise FileMissing(path)
            return Opened(answer, answer.size + offset, str(answer.properties.etag))

        def failed(why: str) -> StorageFailed:
            return StorageFailed(self._where, f"reading '{path}'", why)

        return buffered(RemoteFile(get(0, ""), get, (AzureError, ConnectionError), failed))

    def exists(self, path: str) -> bool:
        """One request."""
        return self._head(path) is not None

    def size(self, path: str) -> int:
        """Of a file."""
        found = self._head(path)
        if found is None or found.kind is not FileKind.FILE:
            raise FileMissing(path)
        return found.size

    def attributes(self, path: str) -> FileAttributes:
        """One request."""
        found = self._head(path)
        if found is None:
            raise FileMissing(path)
        return found

    def list(self, path: str, *, recursive: bool = False) -> Iterator[FileAttributes]:
        """A request for each 5,000."""
        key = self._checked(path)
        try:
            with self._asked("listing", path):
                if (found := self._head(path)) is None or found.kind is FileKind.FILE:
                    return
                if recursive:
                    for item in self._files.get_paths(path=key, recursive=True):
                        if not item.is_directory:
                            yield _described(item)
                    return
                items = sorted(self._files.get_paths(path=key, recursive=False), key=lambda item: str(item.name))
        except FileMissing:
            return
        yield from map(_described, items)

    def make_folder(self, path: str) -> None:
        """With those above it."""
        key, found = self._checked(path), self._head(path)
        if found is not None and found.kind is FileKind.FILE:
            raise PathTaken(path)
        if found is None:
            with self._asked("making", path):
                self._files.create_directory(key)

    def move(self, source: str, target: str) -> None:
        """One rename, also of a folder; another request when the folder above the target is not there."""
        old, new = self._checked(source), self._checked(target)
        found = self._head(source)
        if found is None:
            raise FileMissing(source)
        if old == new:
            return
        there = self._head(target)
        if (new + "/").startswith(old + "/") or (there is not None and FileKind.DIRECTORY in (there.kind, found.kind)):
            raise PathTaken(target)
        self._rename(old, new)

    def delete(self, path: str) -> bool:
        """A file, or a folder with nothing in it."""
        key, found = self._checked(path), self._head(path)
        if found is None:
            return False
        try:
            with self._asked("deleting", path):
                if found.kind is FileKind.FILE:
                    self._files.delete_file(key)
                    return True
                if next(iter(self._files.get_paths(path=key, recursive=False, max_results=1)), None) is not None:
                    raise PathTaken(path)
                self._files.delete_directory(key)
        except FileMissing:
            return False
        return True

    def delete_prefix(self, path: str) -> Sequence[str]:
        """One call for the folder; what a break leaves is removed by the next."""
        names = [found.path for found in self.list(path, recursive=True)]
        found = self._head(path)
        if found is not None and found.kind is FileKind.DIRECTORY:
            try:
                with self._asked("deleting", path):
                    self._files.delete_directory(self._checked(path))
            except FileMissing:
                return names
        return names

    def probe(self, tenant_id: str) -> None:
        """In the file system."""
        probe_storage(self, tenant_id)

    def _rename(self, old: str, new: str) -> None:
        for parent_is_there in (False, True):
            try:
                with self._asked("moving", new):
                    # A folder is renamed by the same call: the service looks at what the path is.
                    self._files.get_file_client(old).rename_file(f"{self._name}/{new}")
            except FileMissing as error:
                if parent_is_there or not _says(error.__cause__, NO_PARENT):
                    raise
                with self._asked("making", new):
                    self._files.create_directory(new.rpartition("/")[0])
            else:
                return

    def _give_up(self, beside: str) -> None:
        try:
            self._files.delete_file(beside)
        except AzureError as error:
            # What it was written for has failed already; `find_orphans` tells of it.
            log.warning("an unfinished file stays", path=beside, error=type(error).__name__)

    def _head(self, path: str) -> FileAttributes | None:
        try:
            with self._asked("reading", path):
                found: FileProperties = self._files.get_file_client(self._checked(path)).get_file_properties()
        except FileMissing:
            return None
        is_folder = _is_folder(found)
        kind = FileKind.DIRECTORY if is_folder else FileKind.FILE
        modified: Any = found.last_modified
        return FileAttributes(path, kind, 0 if is_folder else int(found.size or 0), modified,
                              found.creation_time or modified)  # fmt: skip

    def _checked(self, path: str) -> str:
        if check_path(path)[0].startswith("."):
            raise InvalidPath(path, "a tenant's folder does not begin with a dot")
        return path

    @contextmanager
    def _asked(self, doing: str, path: str) -> Iterator[None]:
        """The service's errors in our words; by their code, for their text repeats the address, which may be signed."""
        try:
            yield
        except ResourceNotFoundError as error:
            if _says(error, ("FilesystemNotFound", "ContainerNotFound")):
                raise StorageFailed(self._where, f"{doing} '{path}'", "there is no such file system") from error
            raise FileMissing(path) from error
        except HttpResponseError as error:
            if _says(error, TAKEN):
                raise PathTaken(path) from error
            why = f"HTTP {error.status_code} {getattr(error, 'error_code', '') or ''}"
            raise StorageFailed(self._where, f"{doing} '{path}'", why) from error
        except AzureError as error:
            raise StorageFailed(self._where, f"{doing} '{path}'", type(error).__name__) from error


def _says(error: BaseException | None, codes: Sequence[str]) -> bool:
    code = getattr(error, "error_code", None)
    return getattr(code, "value", code) in codes


def _part(content: BinaryIO) -> bytes:
    """4 MB, less only at the end."""
    pieces: list[bytes] = []
    left = PART
    while left and (piece := content.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _is_folder(found: Any) -> bool:
    return str((found.metadata or {}).get(FOLDER_MARK, "")).lower() == "true"


def _described(item: PathProperties) -> FileAttributes:
    kind = FileKind.DIRECTORY if item.is_directory else FileKind.FILE
    modified: Any = item.last_modified
    size = 0 if item.is_directory else int(item.content_length or 0)
    return FileAttributes(str(item.name), kind, size, modified, modified)


def _file_system(config: AdlsConfig) -> FileSystemClient:
    shared: dict[str, Any] = {
        "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4, random_jitter_range=1),
        "max_single_get_size": PART,
        "max_chunk_get_size": PART,
        "connection_timeout": 10,
        "read_timeout": 60,
    }
    if config.connection_string is not None:
        text = config.connection_string.get_secret_value()
        return FileSystemClient.from_connection_string(text, config.file_system, **shared)
    credential: str | dict[str, str]
    if config.shared_key_account_access_key is not None:
        credential = {
            "account_name": str(config.shared_key_account_name),
            "account_key": config.shared_key_account_access_key.get_secret_value(),
        }
    else:
        credential = config.sas_token.get_secret_value() if config.sas_token is not None else ""
    return FileSystemClient(str(config.endpoint), config.file_system, credential=credential, **shared)
