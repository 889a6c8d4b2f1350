"""ObjectStorage: a StorageBackend over a store of objects by key, which has no folders: S3, Azure Blob, Google."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO, ClassVar, Final

from apps.isolation.catalog import BackendConfig
from apps.storage.backends.base import (
    FileAttributes,
    FileKind,
    FileMissing,
    InvalidPath,
    PathTaken,
    check_path,
    probe_storage,
)
from apps.storage.backends.remote_file import Counted

DELETE_BATCH: Final = 250
"""Azure takes 256 in one call, S3 1,000, Google 100 (its library parts them)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or with `is_folder` what several keys begin with; a folder's key has no slash at its end."""

    key: str
    size: int
    modified: datetime
    is_folder: bool = False


class ObjectStorage(ABC):
    """What the stores have in common. An empty folder is an object of no bytes whose key ends with a slash.

    Whether a folder is called like a new file is not asked: it would cost another request for each write.
    """

    config_class: ClassVar[type[BackendConfig]]

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """As StorageBackend."""

    @abstractmethod
    def _upload(self, key: str, content: Counted) -> None:
        """All of it or nothing."""

    @abstractmethod
    def _head(self, key: str) -> Entry | None:
        """The object of this very key."""

    @abstractmethod
    def _entries(self, prefix: str, *, recursive: bool) -> Iterator[Entry]:
        """Objects whose key begins with the prefix, markers too; not `recursive`: up to the next slash, as a folder."""

    @abstractmethod
    def _copy(self, source: str, target: str) -> None:
        """Within the store. FileMissing."""

    @abstractmethod
    def _remove(self, keys: Sequence[str]) -> None:
        """At most DELETE_BATCH keys; those that are gone are no error."""

    def put(self, path: str, content: BinaryIO) -> int:
        """Streams in parts; the object appears when the last one has arrived."""
        counted = Counted(content)
        self._upload(self._key(path), counted)
        return counted.size

    def exists(self, path: str) -> bool:
        """One request for a file, two for a folder."""
        key = self._key(path)
        return self._head(key) is not None or self._first_below(key) is not None

    def size(self, path: str) -> int:
        """Of a file."""
        found = self._head(self._key(path))
        if found is None:
            raise FileMissing(path)
        return found.size

    def attributes(self, path: str) -> FileAttributes:
        """A folder is as old as the first thing in it: it has no date of its own."""
        key = self._key(path)
        found = self._head(key)
        if found is None:
            below = self._first_below(key)
            if below is None:
                raise FileMissing(path)
            found = Entry(key, 0, below.modified, is_folder=True)
        return _described(found)

    def list(self, path: str, *, recursive: bool = False) -> Iterator[FileAttributes]:
        """Recursive in the order of keys, one page of the store at a time."""
        prefix = self._key(path) + "/"
        found = self._entries(prefix, recursive=recursive)
        if recursive:
            for entry in found:
                if not entry.is_folder and not entry.key.endswith("/"):
                    yield _described(entry)
            return
        inside = [entry for entry in found if entry.key != prefix]
        yield from map(_described, sorted(inside, key=lambda entry: entry.key))

    def make_folder(self, path: str) -> None:
        """A marker."""
        key = self._key(path)
        if self._head(key) is not None:
            raise PathTaken(path)
        if self._first_below(key) is None:
            self._upload(key + "/", Counted(io.BytesIO()))

    def move(self, source: str, target: str) -> None:
        """Copied, then deleted; a folder file by file: who looks meanwhile may see a part of it in both places."""
        old, new = self._key(source), self._key(target)
        if old == new:
            return
        if (new + "/").startswith(old + "/"):
            raise PathTaken(target)
        if self._head(old) is not None:
            if self._first_below(new) is not None:
                raise PathTaken(target)
            self._copy(old, new)
            self._remove([old])
            return
        keys = [entry.key for entry in self._entries(old + "/", recursive=True)]
        if not keys:
            raise FileMissing(source)
        if self.exists(target):
            raise PathTaken(target)
        for key in keys:
            self._copy(key, new + key.removeprefix(old))
        self._remove_all(keys)

    def delete(self, path: str) -> bool:
        """Asks first: a store does not tell whether there was something to delete."""
        key = self._key(path)
        if self._head(key) is not None:
            self._remove([key])
            return True
        below = list(islice(self._entries(key + "/", recursive=True), 2))
        if not below:
            return False
        if [entry.key for entry in below] != [key + "/"]:
            raise PathTaken(path)
        self._remove([key + "/"])
        return True

    def delete_prefix(self, path: str) -> Sequence[str]:
        """In batches; what a break leaves is removed by the next call."""
        keys = [entry.key for entry in self._entries(self._key(path) + "/", recursive=True)]
        self._remove_all(keys)
        return [key for key in keys if not key.endswith("/")]

    def probe(self, tenant_id: str) -> None:
        """In the store."""
        probe_storage(self, tenant_id)

    def _remove_all(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), DELETE_BATCH):
            self._remove(keys[start : start + DELETE_BATCH])

    def _first_below(self, key: str) -> Entry | None:
        return next(self._entries(key + "/", recursive=True), None)

    def _key(self, path: str) -> str:
        segments = check_path(path)
        if segments[0].startswith("."):
            raise InvalidPath(path, "a tenant's folder does not begin with a dot")
        return path


def _described(entry: Entry) -> FileAttributes:
    return FileAttributes(
        path=entry.key.rstrip("/"),
        kind=FileKind.DIRECTORY if entry.is_folder else FileKind.FILE,
        size=0 if entry.is_folder else entry.size,
        modified=entry.modified,
        created=entry.modified,  # an object is replaced, never changed
    )
