"""One file or secret after another, each read back and compared before the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from apps.common.current_tenant import require_tenant
from apps.common.errors import ProductError
from apps.common.namespace_paths import is_within, lineage
from apps.encryption.services import decrypt
from apps.isolation.catalog import Kind
from apps.isolation.selectors import Choices, Chosen
from apps.namespaces.models import Namespace
from apps.secrets.backends.base import SecretBackend, SecretsReadOnly
from apps.secrets.catalog import Place
from apps.secrets.models import Secret
from apps.secrets.services import default_backend as default_secrets
from apps.storage.backends.base import FileMissing, InvalidPath, StorageBackend
from apps.storage.internal_storage import SCHEME, default_backend, owner_of
from apps.transfers.models import Transfer
from apps.workflows.models import Flow

CHUNK: Final = 1024 * 1024
TRIES: Final = 3


class CopyDiffers(ProductError):
    """What was read back is not what was written, also after it was written again."""

    status, reason = 502, "Copy differs"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name[:300]}' reads back otherwise than it was written, {TRIES} times.")


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one file or secret: `copied`, `unchanged` (there already) or `kept` (newer in the target)."""

    cursor: str
    outcome: str
    size: int = 0


def steps(row: Transfer, choices: Choices, alive: Callable[[], None]) -> Iterator[Step]:
    """From the cursor on. `alive` is called at least for each MB. StorageFailed, SecretBackendFailed, CopyDiffers."""
    source = _source(row, choices)
    if row.kind == Kind.STORAGE:
        return _files(row, choices, source or default_backend(), alive)
    return _secrets(row, choices, source or default_secrets(), alive)


def _source(row: Transfer, choices: Choices) -> Any | None:
    if not row.source_type:
        return None
    return choices.opened(Chosen(row.namespace, row.source_type, row.source_version, decrypt(row.source_configuration)))


def _belongs(row: Transfer, choices: Choices, namespace: str) -> bool:
    """Whether the changed choice is the one that decides for a namespace: none lies nearer."""
    if row.namespace and not is_within(namespace, row.namespace):
        return False
    nearer = [spot for spot in choices.spots() if spot and spot != row.namespace]
    return not any(is_within(namespace, spot) and _is_below(spot, row.namespace) for spot in nearer)


def _is_below(spot: str, place: str) -> bool:
    return not place or is_within(spot, place)


def _files(row: Transfer, choices: Choices, source: StorageBackend, alive: Callable[[], None]) -> Iterator[Step]:
    tenant_id = require_tenant("A transfer")
    folder = "/".join((tenant_id, *row.namespace.split("."))) if row.namespace else tenant_id
    # A list has the same order each time, but each backend its own: one goes on behind the file that was the last.
    waiting = bool(row.cursor) and source.exists(row.cursor)
    for found in source.list(folder, recursive=True):
        alive()
        if waiting:
            waiting = found.path != row.cursor
            continue
        try:
            owner = owner_of(f"{SCHEME}/{found.path.removeprefix(tenant_id + '/')}")
        except InvalidPath:
            continue
        if not _belongs(row, choices, owner):
            continue
        target: StorageBackend = choices.backend(owner) or default_backend()
        if target is source:
            continue
        try:
            yield Step(found.path, _copy_file(source, target, found.path, alive), found.size)
        except FileMissing:
            continue  # deleted since it was listed


def _copy_file(source: StorageBackend, target: StorageBackend, path: str, alive: Callable[[], None]) -> str:
    if target.exists(path):
        same = _digest(source, path, alive) == _digest(target, path, alive)
        return "unchanged" if same else "kept"
    for _ in range(TRIES):
        with source.open(path) as file:
            read = _Hashed(file, alive)
            target.put(path, cast("BinaryIO", read))
        if _digest(target, path, alive) == read.digest():
            return "copied"
    raise CopyDiffers(path)


class _Hashed:
    """A stream that remembers what went through it."""

    def __init__(self, file: BinaryIO, alive: Callable[[], None]) -> None:
        self._file = file
        self._alive = alive
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        self._alive()
        data = self._file.read(size if 0 < size < CHUNK else CHUNK)
        self._hash.update(data)
        return data

    def digest(self) -> bytes:
        return self._hash.digest()


def _digest(backend: StorageBackend, path: str, alive: Callable[[], None]) -> bytes:
    with backend.open(path) as file:
        read = _Hashed(file, alive)
        while read.read():
            pass
    return read.digest()


def _secrets(row: Transfer, choices: Choices, source: SecretBackend, alive: Callable[[], None]) -> Iterator[Step]:
    tenant_id = require_tenant("A transfer")
    done = tuple(row.cursor.split("\n", 1)) if row.cursor else ("", "")
    for namespace in _namespaces():
        if namespace < done[0] or not _belongs(row, choices, namespace):
            continue
        target: SecretBackend = choices.backend(namespace) or default_secrets()
        if target is source:
            continue
        if target.read_only:
            raise SecretsReadOnly("The secret manager that holds now")
        place = Place(tenant_id, namespace)
        for meta in source.list(place):
            alive()
            if (namespace, meta.key) <= done:
                continue
            value = source.read(place, meta.key)
            if value is None:
                continue
            yield Step(f"{namespace}\n{meta.key}", _copy_secret(target, place, meta, value))


def _copy_secret(target: SecretBackend, place: Place, meta: Any, value: str) -> str:
    there = target.read(place, meta.key)
    if there is not None:
        return "unchanged" if there == value else "kept"
    for _ in range(TRIES):
        target.write(place, meta.key, value, description=meta.description, tags=meta.tags)
        if target.read(place, meta.key) == value:
            return "copied"
    raise CopyDiffers(f"{place.namespace}: {meta.key}")


def _namespaces() -> list[str]:
    """All that are known: created, used by flows, above such, or with secrets in the table."""
    used = {
        *Namespace.objects.values_list("id", flat=True),
        *Flow.objects.values_list("namespace", flat=True).distinct(),
        *Secret.objects.values_list("namespace", flat=True).distinct(),
    }
    return sorted({level for name in used for level in lineage(name)})
