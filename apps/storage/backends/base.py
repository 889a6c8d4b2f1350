"""StorageBackend: what a place for bytes must do, and the one rule of what a path may look like."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, ClassVar, Final, Protocol
from urllib.parse import unquote

from apps.common.errors import IllegalArgument, IllegalState, NotFound, ProductError
from apps.common.ids import new_id
from apps.isolation.catalog import BackendConfig

MAX_SEGMENT_BYTES: Final = 255
MAX_PATH_BYTES: Final = 1000
"""S3 allows keys of 1,024 bytes, the tenant included."""


class InvalidPath(IllegalArgument):
    """The path or address is not one of internal storage, or tries to leave its place."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"'{path[:200]!a}' is no path in internal storage: {why}.")


class FileMissing(NotFound, FileNotFoundError):
    """There is no file at this path; also a FileNotFoundError, which plugins know."""

    def __init__(self, path: str) -> None:
        super().__init__(f"There is no file at '{path[:500]}' in internal storage.")

    def __str__(self) -> str:
        return self.message


class StorageFailed(ProductError, OSError):
    """A backend that is another's service refused or did not answer, also after it was asked again."""

    status, reason = 502, "Storage failed"

    def __init__(self, where: str, doing: str, why: str) -> None:
        super().__init__(f"{where} failed at {doing}: {why}"[:1000])

    def __str__(self) -> str:
        return self.message


class PathTaken(IllegalState):
    """A folder is where a file should go, or a file where a folder is needed."""

    def __init__(self, path: str) -> None:
        super().__init__(f"'{path[:500]}' cannot be written: a file and a folder would have the same name.")


class FileKind(StrEnum):
    """In the words of the API."""

    FILE = "File"
    DIRECTORY = "Directory"


@dataclass(frozen=True, slots=True)
class FileAttributes:
    """What is known of a file or folder without reading it. ``path`` as it was asked for; 0 bytes for a folder."""

    path: str
    kind: FileKind
    size: int
    modified: datetime
    created: datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


class StorageBackend(Protocol):
    """Bytes by path. Paths are ``<tenant>/<…>``, checked by `check_path`; a backend trusts nobody and checks again.

    Made with ``Backend(config)``, where ``config`` is of the class's own ``config_class``. Threads share one.
    Those that are another's service raise StorageFailed. An object store has no folders of its own: there a file and a
    folder of one name may stand side by side, and `move` of a folder goes file by file.
    """

    config_class: ClassVar[type[BackendConfig]]

    def put(self, path: str, content: BinaryIO) -> int:
        """Store all that can be read; answers its size. All or nothing: a reader sees the old file or the new one."""
        ...

    def open(self, path: str) -> BinaryIO:
        """The file's bytes, streamed; `seek` and then `read` fetch that part alone. FileMissing."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file or a folder."""
        ...

    def size(self, path: str) -> int:
        """Bytes. FileMissing."""
        ...

    def attributes(self, path: str) -> FileAttributes:
        """Of a file or folder. FileMissing."""
        ...

    def list(self, path: str, *, recursive: bool = False) -> Iterator[FileAttributes]:
        """What lies in a folder, by name; with `recursive` the files alone, of all folders below. Nothing if none."""
        ...

    def make_folder(self, path: str) -> None:
        """An empty folder, listed until it is deleted; nothing when it is there. PathTaken."""
        ...

    def move(self, source: str, target: str) -> None:
        """Rename a file or folder; a file at the target is replaced. FileMissing, PathTaken."""
        ...

    def delete(self, path: str) -> bool:
        """Remove one file (or an empty folder); False when there was none."""
        ...

    def delete_prefix(self, path: str) -> Sequence[str]:
        """Remove a folder with all in it; answers the paths of its files."""
        ...

    def probe(self, tenant_id: str) -> None:
        """See `probe_storage`."""
        ...


def probe_storage(backend: StorageBackend, tenant_id: str) -> None:
    """A real write, read and delete below the tenant's folder. StorageFailed, or what else went wrong there."""
    path, content = f"{tenant_id}/connection-test-{new_id()}", new_id().encode()
    backend.put(path, io.BytesIO(content))
    with backend.open(path) as file:
        found = file.read()
    if not backend.delete(path) or found != content:
        raise StorageFailed("The storage", "reading what was just written", "it gave back something else")


def check_path(path: str) -> tuple[str, ...]:
    """The segments of a relative path. InvalidPath for one that is not plain.

    Nothing here is ever decoded, yet what would become ``..`` or a slash once decoded or normalised is refused too: a
    proxy, another backend or a client may decode where we do not.
    """
    for form in _forms(path):
        if any(ord(letter) < 32 or letter in "\\\x7f" for letter in form):
            raise InvalidPath(path, "it has control characters or backslashes")
        if any(segment in (".", "..") for segment in form.split("/")):
            raise InvalidPath(path, "it goes up")
    segments = tuple(path.split("/"))
    if "" in segments:
        raise InvalidPath(path, "it is empty, begins with a slash, or has a name without letters")
    try:
        if (
            max(len(segment.encode()) for segment in segments) > MAX_SEGMENT_BYTES
            or len(path.encode()) > MAX_PATH_BYTES
        ):
            raise InvalidPath(path, f"it is longer than {MAX_PATH_BYTES} bytes, or a name than {MAX_SEGMENT_BYTES}")
    except UnicodeEncodeError as error:
        raise InvalidPath(path, "it is not Unicode text") from error
    return segments


def _forms(path: str) -> list[str]:
    """The path as written, and as it reads once percent-decoded (also repeatedly) or normalised."""
    forms = [path]
    decoded = path
    for _ in range(4):
        if "%" not in decoded:
            break
        decoded = unquote(decoded)
        forms.append(decoded)
    return forms + [unicodedata.normalize("NFKC", form) for form in forms]
