"""Namespace files: store, move, delete, expand and pack. They lie in internal storage; there are no rows."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, BinaryIO, Final, cast

from apps.audit.services import Actor, record
from apps.common.errors import IllegalArgument, NotFound
from apps.common.namespace_paths import is_namespace
from apps.storage.internal_storage import (
    FileAttributes,
    FileKind,
    InternalStorage,
    namespace_file_address,
    open_storage,
)

AUDIT_RESOURCE: Final = "NamespaceFile"
PERMISSION: Final = "FLOW"
MOST_PACKED_FILES: Final = 10_000
MOST_UNPACKED_BYTES: Final = 2 * 1024**3
CHUNK: Final = 1024 * 1024


class NamespaceFiles:
    """The files of one namespace of the open tenant. Paths like ``/dir/a.py``; the first slash may be left out.

    InvalidPath for a path that tries to leave, FileMissing, PathTaken, StorageFailed. Who may is the caller's question.
    """

    def __init__(self, namespace: str) -> None:
        if not is_namespace(namespace):
            raise IllegalArgument(f"'{namespace[:200]}' is no namespace.")
        self.namespace = namespace
        self._storage: InternalStorage = open_storage()
        self._folder = namespace_file_address(namespace, "")

    def open(self, path: str) -> BinaryIO:
        """A stream of its bytes."""
        return self._storage.open(self._file(path))

    def attributes(self, path: str) -> FileAttributes:
        """Of a file or folder; the folder of them all is always there."""
        return self._storage.attributes(namespace_file_address(self.namespace, path))

    def folder(self, path: str) -> list[FileAttributes]:
        """What lies in a folder, folders first. NotFound when it is neither there nor the folder of them all."""
        address = namespace_file_address(self.namespace, path)
        found = [*self._storage.list(address)]
        if not found and path.strip("/") and not self._storage.exists(address):
            raise NotFound(f"There is no folder '{path[:500]}' in the namespace '{self.namespace}'.")
        return sorted(found, key=lambda one: (one.kind is FileKind.FILE, one.name))

    def paths(self) -> Iterator[str]:
        """All files, with a slash at the beginning."""
        for found in self._storage.list(self._folder, recursive=True):
            yield found.path.removeprefix(self._folder)

    def search(self, text: str) -> list[str]:
        """Those whose path holds the text, whatever its case."""
        return sorted(path for path in self.paths() if text.casefold() in path.casefold())

    def put(self, path: str, content: BinaryIO, *, acting_user: Actor | None) -> None:
        """Store a file, in place of one that is there."""
        self._storage.put(self._file(path), content)
        self._record(acting_user, "UPDATE", path)

    def put_archive(self, content: BinaryIO, *, acting_user: Actor | None, below: str = "") -> list[str]:
        """Store the files of a zip archive; answers their paths. IllegalArgument, and nothing stored, when it is no
        archive, holds a path that tries to leave, or would be larger than is let in.
        """
        try:
            with zipfile.ZipFile(content) as archive:
                members = [item for item in archive.infolist() if not item.is_dir()]
                if len(members) > MOST_PACKED_FILES or sum(item.file_size for item in members) > MOST_UNPACKED_BYTES:
                    raise IllegalArgument(
                        f"The archive holds more than {MOST_PACKED_FILES} files or {MOST_UNPACKED_BYTES} bytes."
                    )
                targets = [(item, f"{below.rstrip('/')}/{item.filename}") for item in members]
                addresses = [self._file(path) for _, path in targets]
                for (item, _), address in zip(targets, addresses, strict=True):
                    with archive.open(item) as member:
                        self._storage.put(address, cast("BinaryIO", _Limited(member, item.file_size)))
        except zipfile.BadZipFile as error:
            raise IllegalArgument("The file is no zip archive.") from error
        for _, path in targets:
            self._record(acting_user, "UPDATE", path)
        return [path for _, path in targets]

    def pack(self) -> IO[bytes]:
        """All files as a zip archive, in a temporary file that is at its beginning and goes when it is closed."""
        packed = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
        try:
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for path in self.paths():
                    with self.open(path) as file, archive.open(path.lstrip("/"), "w", force_zip64=True) as member:
                        while piece := file.read(CHUNK):
                            member.write(piece)
        except BaseException:
            packed.close()
            raise
        packed.seek(0)
        return packed

    def make_folder(self, path: str, *, acting_user: Actor | None) -> None:
        """An empty folder."""
        self._storage.make_folder(self._file(path))
        self._record(acting_user, "CREATE", path)

    def move(self, source: str, target: str, *, acting_user: Actor | None) -> None:
        """Rename a file or folder."""
        self._storage.move(self._file(source), self._file(target))
        self._record(acting_user, "UPDATE", target, source=source)

    def delete(self, path: str, *, acting_user: Actor | None) -> bool:
        """A file, or a folder with all in it; False when there was none."""
        address = self._file(path)
        if not self._storage.exists(address):
            return False
        if self._storage.attributes(address).kind is FileKind.DIRECTORY:
            self._storage.delete_prefix(address)
        else:
            self._storage.delete(address)
        self._record(acting_user, "DELETE", path)
        return True

    def delete_all(self) -> int:
        """Of a namespace that is being deleted; answers how many."""
        return len(self._storage.delete_prefix(self._folder))

    def _file(self, path: str) -> str:
        if not path.strip("/"):
            raise IllegalArgument("Give the path of a file, such as /dir/a.py.")
        return namespace_file_address(self.namespace, path)

    def _record(self, acting_user: Actor | None, action: str, path: str, **more: str) -> None:
        record(
            acting_user=acting_user,
            action=action,
            resource=AUDIT_RESOURCE,
            detail={"namespace": self.namespace, "path": "/" + path.strip("/"), **more},
            permission=PERMISSION,
        )


class _Limited:
    """A member of an archive, which must not be larger than it says."""

    def __init__(self, member: IO[bytes], size: int) -> None:
        self._member = member
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        data = self._member.read(size if size > 0 else CHUNK)
        self._left -= len(data)
        if self._left < 0:
            raise IllegalArgument("A file in the archive is larger than the archive says.")
        return data
