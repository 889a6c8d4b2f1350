"""Writes of KV pairs. Order: the new value's file, then the row that points to it, then the old file goes.

A crash between two of these steps never loses or mixes a value: a row always points to a file that was whole on the
disk before the row was written. What can be left is a file that no row names; `sweep_kv_files` removes those.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction

from apps.audit.services import Actor, record
from apps.common.clock import now
from apps.common.errors import IllegalArgument, IllegalState
from apps.common.ids import new_id
from apps.common.namespace_paths import is_namespace
from apps.namespaces.catalog import KvType, TypedValue, check_key, type_value
from apps.namespaces.models import KeyValue, expired
from apps.storage.internal_storage import InternalStorage, kv_value_address, open_storage

AUDIT_RESOURCE: Final = "KeyValue"
PERMISSION: Final = "KVSTORE"
PURGE_BATCH: Final = 500
TRIES: Final = 5
UNNAMED_FILE_AGE: Final = timedelta(days=1)
"""A younger file without a row may belong to a write that is under way."""


class KeyExists(IllegalState, FileExistsError):
    """The key has a value, and the caller did not want to replace it."""

    def __str__(self) -> str:
        return self.message


def set_kv(
    *,
    acting_user: Actor | None,
    namespace: str,
    key: str,
    value: Any,
    kv_type: KvType | None = None,
    ttl: timedelta | None = None,
    description: str | None = None,
    overwrite: bool = True,
) -> KeyValue:
    """Store a pair in the open tenant; a pair that is there is replaced, its expiry too.

    `value` is a TypedValue or anything `type_value` takes; `ttl` None means for ever; `description` None keeps the one
    there is. With an acting user the write is audited, without the value. IllegalArgument (UnfitValue) for a bad key,
    namespace, value or ttl; KeyExists, also a FileExistsError, when it is there and `overwrite` is false.
    """
    check_key(key)
    if not is_namespace(namespace):
        raise IllegalArgument(f"'{namespace[:200]}' is no namespace.")
    typed = value if isinstance(value, TypedValue) else type_value(value, kv_type)
    content = typed.encode()
    expires = _expiry(ttl)
    storage, version = open_storage(), new_id()
    address = kv_value_address(namespace, key, version)
    # Outside the transaction: a disk or a cloud may be slow, and a lock must not wait for it.
    storage.put(address, content)
    with transaction.atomic():
        try:
            row, is_new = _locked(namespace, key)
            if not overwrite and not is_new and not row.is_expired(now()):
                raise KeyExists(f"The key '{key}' exists in the namespace '{namespace}' and is not to be overwritten.")
            before, former = (None, None) if is_new else (_audited(row), row.version)
            row.type, row.version, row.size, row.expires = typed.type.value, version, len(content), expires
            row.description = row.description if description is None else description
            row.save()
            _audit(acting_user, "CREATE" if is_new else "UPDATE", row, before=before, after=_audited(row))
        except BaseException:
            # Not around the commit: when that fails, nobody knows whether the row points to this file by now.
            storage.delete(address)
            raise
        if former is not None:
            _remove_after_commit(storage, kv_value_address(namespace, key, former))
    return row


def delete_kv(*, acting_user: Actor | None, namespace: str, key: str) -> bool:
    """Remove a pair; True when there was one. An expired one is removed as well, and that is False."""
    return bool(delete_kv_keys(acting_user=acting_user, namespace=namespace, keys=[key]))


def delete_kv_keys(*, acting_user: Actor | None, namespace: str, keys: Sequence[str]) -> list[str]:
    """Remove those pairs that are there; answers their keys, in order."""
    removed = []
    with transaction.atomic():
        rows = KeyValue.objects.select_for_update().filter(namespace=namespace, key__in=keys).order_by("key")
        for row in list(rows):
            if not row.is_expired(now()):
                removed.append(row.key)
                _audit(acting_user, "DELETE", row, before=_audited(row))
            _delete_row(row)
    return removed


def delete_namespace_kv(*, namespace: str) -> int:
    """Remove all pairs of a namespace that is being deleted (its own, not those below); answers how many."""
    storage = open_storage()

    def remove_files() -> None:
        storage.delete_prefix(_folder(namespace))

    with transaction.atomic():
        count, _ = KeyValue.objects.filter(namespace=namespace).delete()
        transaction.on_commit(remove_files, robust=True)
    return count


def purge_expired_kv(*, limit: int = 10_000) -> int:
    """Remove pairs whose time is over, in batches, at most `limit`; answers how many. For a chore, in each tenant."""
    count = 0
    while count < limit:
        with transaction.atomic():
            # Skipping what is locked: somebody is replacing that pair right now.
            rows = KeyValue.objects.select_for_update(skip_locked=True).filter(expired(now())).order_by("expires")
            batch = list(rows[: min(PURGE_BATCH, limit - count)])
            for row in batch:
                _delete_row(row)
        count += len(batch)
        if not batch:
            break
    return count


def sweep_kv_files() -> int:
    """Remove value files that no row points to, left by a crash a day ago or longer; answers how many. For a chore."""
    storage, oldest, count = open_storage(), now() - UNNAMED_FILE_AGE, 0
    namespaces = KeyValue.objects.order_by("namespace").values_list("namespace", flat=True).distinct()
    for namespace in list(namespaces):
        old = [found.path for found in storage.list(_folder(namespace)) if found.modified < oldest]
        pairs = KeyValue.objects.filter(namespace=namespace).values_list("key", "version")
        named = {kv_value_address(namespace, key, version) for key, version in pairs}
        for address in old:
            if address not in named:
                count += storage.delete(address)
    return count


def _locked(namespace: str, key: str) -> tuple[KeyValue, bool]:
    """The pair's row, locked, and whether it is to be made. Two writers of a new key follow one another."""
    rows = KeyValue.objects.select_for_update().filter(namespace=namespace, key=key)
    for _ in range(TRIES):
        row = rows.first()
        if row is not None:
            return row, False
        made = KeyValue(namespace=namespace, key=key, type=KvType.JSON.value, version=new_id(), size=0)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:
            continue  # another writer was first; its row may be deleted again before it is read
        return made, True
    raise IllegalState(f"The key '{key}' of the namespace '{namespace}' is changed by many at once: try again.")


def _expiry(ttl: timedelta | None) -> datetime | None:
    if ttl is None:
        return None
    if ttl <= timedelta(0):
        raise IllegalArgument("The ttl must be longer than nothing, such as PT1H.")
    try:
        return now() + ttl
    except OverflowError as error:
        raise IllegalArgument("The ttl is too long; leave it out for a pair that never expires.") from error


def _delete_row(row: KeyValue) -> None:
    row.delete()
    _remove_after_commit(open_storage(), kv_value_address(row.namespace, row.key, row.version))


def _remove_after_commit(storage: InternalStorage, address: str) -> None:
    """Only then nobody can need it. That it fails (and is logged) must not fail the write, which is done."""

    def remove_value() -> None:
        storage.delete(address)

    transaction.on_commit(remove_value, robust=True)


def _folder(namespace: str) -> str:
    return kv_value_address(namespace, "x", "x").rpartition("/")[0]


def _audited(row: KeyValue) -> dict[str, Any]:
    """Never the value: a KV pair may hold what not every reader of the audit log may see."""
    return {"type": row.type, "size": row.size, "expires": row.expires, "description": row.description}


def _audit(
    acting_user: Actor | None,
    action: str,
    row: KeyValue,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    # What a running task does is told by its execution.
    if acting_user is not None:
        record(
            acting_user=acting_user,
            action=action,
            resource=AUDIT_RESOURCE,
            permission=PERMISSION,
            detail={"namespace": row.namespace, "key": row.key},
            before=before,
            after=after,
        )
