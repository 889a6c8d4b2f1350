"""Orphans: files whose execution or pair is gone, left by a crash between a row's deletion and its bytes'."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.ids import is_id
from apps.isolation.catalog import Kind
from apps.isolation.selectors import read_choices
from apps.namespaces.models import KeyValue
from apps.storage.backends.base import FileAttributes, InvalidPath, StorageBackend
from apps.storage.internal_storage import SCHEME, default_backend, execution_id_of, owner_of
from apps.workflows.models import Execution

BATCH: Final = 500
AGE: Final = timedelta(days=1)
"""Younger files are left alone: bytes are written before their row."""
EXECUTION, PAIR, TEST, STRANDED = "execution", "pair", "connection test", "stranded"


@dataclass(frozen=True, slots=True)
class Orphan:
    """`why`: its execution or pair is gone, it is left of a connection test, or it is `stranded`: another backend holds
    for its namespace now.
    """

    path: str
    size: int
    why: str


def find_orphans(*, older_than: timedelta = AGE, delete: bool = False, stranded: bool = False) -> Iterator[Orphan]:
    """Of the open tenant, in every backend that holds for a part of it; with `delete` each is removed, then told.

    Lists every file there is: minutes for millions. Stranded ones are only told, and only with `stranded`, never
    deleted: they can be copied, or found again when the choice is taken back. StorageFailed; may be repeated.
    """
    tenant_id, choices = require_tenant("Looking for orphans"), read_choices(Kind.STORAGE)
    default = default_backend()
    backends: list[StorageBackend] = [default]
    for spot in choices.spots():
        found = choices.backend(spot)
        if found is not None and found not in backends:
            backends.append(found)
    latest = now() - older_than
    for backend in backends:
        old = (file for file in backend.list(tenant_id, recursive=True) if file.modified <= latest)
        while batch := list(islice(old, BATCH)):
            here, elsewhere = _parted(batch, tenant_id, lambda owner: (choices.backend(owner) or default) is backend)  # noqa: B023
            if stranded:
                yield from (Orphan(file.path, file.size, STRANDED) for file in elsewhere)
            for orphan in _orphans(here, tenant_id):
                if delete:
                    backend.delete(orphan.path)
                yield orphan


def _parted(
    files: Sequence[FileAttributes], tenant_id: str, is_here: Callable[[str], bool]
) -> tuple[list[FileAttributes], list[FileAttributes]]:
    here: list[FileAttributes] = []
    elsewhere: list[FileAttributes] = []
    for file in files:
        try:
            owner = owner_of(_address(file, tenant_id))
        except InvalidPath:
            continue
        (here if is_here(owner) else elsewhere).append(file)
    return here, elsewhere


def _orphans(files: Iterable[FileAttributes], tenant_id: str) -> Iterator[Orphan]:
    """Two queries."""
    executions: dict[str, list[FileAttributes]] = {}
    pairs: dict[str, list[FileAttributes]] = {}
    for file in files:
        parts = file.path.split("/")
        if len(parts) == 2 and parts[1].startswith("connection-test-"):
            yield Orphan(file.path, file.size, TEST)
        elif "_files" in parts:
            continue
        elif len(parts) > 2 and parts[-2] == "_kv":
            version = parts[-1].removesuffix(".ion").rsplit(".", 1)[-1]
            if is_id(version):
                pairs.setdefault(version, []).append(file)
        elif (execution := execution_id_of(_address(file, tenant_id))) is not None:
            executions.setdefault(execution, []).append(file)
    for why, model, field, wanted in (
        (EXECUTION, Execution, "pk", executions),
        (PAIR, KeyValue, "version", pairs),
    ):
        there = set(model.objects.filter(**{f"{field}__in": list(wanted)}).values_list(field, flat=True))
        for name, held in wanted.items():
            if name not in there:
                yield from (Orphan(file.path, file.size, why) for file in held)


def _address(file: FileAttributes, tenant_id: str) -> str:
    return f"{SCHEME}/{file.path.removeprefix(tenant_id + '/')}"
