"""InternalStorage: the files of one tenant, by address."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final

from apps.common.current_tenant import require_tenant
from apps.storage.backends.base import FileAttributes, StorageBackend
from apps.storage.internal_storage.addresses import address_of, path_of
from apps.storage.internal_storage.choice import chosen_backends, default_backend

MAX_READ_BYTES: Final = 100 * 1024 * 1024


def open_storage() -> InternalStorage:
    """The storage of the tenant whose schema is open. NoTenantOpen. Threads without a connection may use the answer.

    One query: the choices of backends as of now hold for the answer.
    """
    return InternalStorage(require_tenant("Internal storage"), backend_for=chosen_backends())


class InternalStorage:
    """Reads and writes below its tenant's folder and nowhere else: an address cannot name a tenant.

    All methods raise InvalidPath for a crafted address and FileMissing (also a FileNotFoundError) for an absent file.
    Who may read which address is the caller's question.
    """

    def __init__(self, tenant_id: str, *, backend_for: Callable[[str], StorageBackend] | None = None) -> None:
        """`backend_for` answers the backend of an address; by default all lie in the instance's own."""
        self.tenant_id = tenant_id
        self._backend_for = backend_for or _default_for

    def put(self, address: str, content: bytes | BinaryIO | Path) -> int:
        """Store a file, in place of one that is there; answers its size. Streams: memory does not grow with the file.

        After a crash the file is there whole or not at all, never in part.
        """
        path, backend = self._place(address)
        match content:
            case bytes():
                return backend.put(path, io.BytesIO(content))
            case Path():
                with content.open("rb") as file:
                    return backend.put(path, file)
        return backend.put(path, content)

    def open(self, address: str) -> BinaryIO:
        """A stream of the file's bytes; the caller closes it."""
        path, backend = self._place(address)
        return backend.open(path)

    def read(self, address: str) -> bytes:
        """A small file whole. ValueError beyond 100 MB: use `open`."""
        with self.open(address) as file:
            content = file.read(MAX_READ_BYTES + 1)
        if len(content) > MAX_READ_BYTES:
            raise ValueError(f"'{address}' is larger than {MAX_READ_BYTES} bytes: open it and read it in parts.")
        return content

    def exists(self, address: str) -> bool:
        """Whether there is a file or folder."""
        path, backend = self._place(address)
        return backend.exists(path)

    def size(self, address: str) -> int:
        """Bytes of a file."""
        path, backend = self._place(address)
        return backend.size(path)

    def attributes(self, address: str) -> FileAttributes:
        """Of a file or folder; ``path`` is its address."""
        path, backend = self._place(address)
        return replace(backend.attributes(path), path=address)

    def list(self, address: str, *, recursive: bool = False) -> Iterator[FileAttributes]:
        """A folder's entries by name, or all files below it; nothing when there is no folder. ``path``: addresses."""
        path, backend = self._place(address)
        for found in backend.list(path, recursive=recursive):
            yield replace(found, path=self._address(found.path))

    def make_folder(self, address: str) -> None:
        """An empty folder, shown until it is deleted. PathTaken."""
        path, backend = self._place(address)
        backend.make_folder(path)

    def move(self, source: str, target: str) -> None:
        """Rename a file or folder; between two backends it is copied, file by file, then removed."""
        path, backend = self._place(source)
        new_path, new_backend = self._place(target)
        if new_backend is backend:
            backend.move(path, new_path)
            return
        files = [found.path for found in backend.list(path, recursive=True)] or [path]
        for file in files:
            with backend.open(file) as content:
                new_backend.put(new_path + file.removeprefix(path), content)
        for file in files:
            backend.delete(file)
        backend.delete_prefix(path)

    def delete(self, address: str) -> bool:
        """Remove one file; False when there was none."""
        path, backend = self._place(address)
        return backend.delete(path)

    def delete_prefix(self, address: str) -> Sequence[str]:
        """Remove a folder and all below it; answers the addresses of its files."""
        path, backend = self._place(address)
        return [self._address(file) for file in backend.delete_prefix(path)]

    def _place(self, address: str) -> tuple[str, StorageBackend]:
        path = path_of(address)
        return f"{self.tenant_id}/{path}", self._backend_for(address)

    def _address(self, path: str) -> str:
        return address_of(path.removeprefix(self.tenant_id + "/"))


def _default_for(address: str) -> StorageBackend:
    return default_backend()
