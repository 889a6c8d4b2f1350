"""Reads of KV pairs; an expired pair is as good as gone."""

from __future__ import annotations

from typing import Final

from django.db.models import QuerySet

from apps.common.clock import now
from apps.common.errors import Expired, NotFound, ProductError
from apps.namespaces.catalog import KvType, TypedValue, decode_value
from apps.namespaces.models import KeyValue, alive
from apps.storage.internal_storage import FileMissing, kv_value_address, open_storage

TRIES: Final = 5


class ValueLost(ProductError):
    """The row of a pair is there and its value is not: somebody removed files from the storage."""

    def __init__(self, namespace: str, key: str) -> None:
        super().__init__(
            f"The value of the key '{key}' in the namespace '{namespace}' is missing from internal storage: restore "
            "its files, or set the key again."
        )


def get_kv(namespace: str, key: str) -> TypedValue | None:
    """The typed value; None when there is no such pair or its time is over. One query and one file. ValueLost."""
    version = ""
    for _ in range(TRIES):
        row = KeyValue.objects.filter(alive(now()), namespace=namespace, key=key).first()
        if row is None:
            return None
        try:
            content = open_storage().read(kv_value_address(namespace, key, row.version))
        except FileMissing as error:
            # The pair was changed after its row was read, and the old value is gone: look again.
            if row.version == version:
                raise ValueLost(namespace, key) from error
            version = row.version
            continue
        return decode_value(KvType(row.type), content)
    raise ValueLost(namespace, key)


def require_kv(namespace: str, key: str) -> TypedValue:
    """As `get_kv`, but NotFound for a pair that is not there and Expired for one whose time is over."""
    found = get_kv(namespace, key)
    if found is not None:
        return found
    if KeyValue.objects.filter(namespace=namespace, key=key).exists():
        raise Expired(f"The value of the key '{key[:200]}' in the namespace '{namespace}' has expired.")
    raise NotFound(f"There is no key '{key[:200]}' in the namespace '{namespace}'.")


def kv_exists(namespace: str, key: str) -> bool:
    """Whether there is such a pair that has not expired."""
    return KeyValue.objects.filter(alive(now()), namespace=namespace, key=key).exists()


def list_kv(namespace: str) -> QuerySet[KeyValue]:
    """The pairs of a namespace (not of those below it), by key, without values."""
    return KeyValue.objects.filter(alive(now()), namespace=namespace).order_by("key")


def list_kv_keys(namespace: str, prefix: str = "") -> list[str]:
    """Their keys in order, those that begin so."""
    return list(list_kv(namespace).filter(key__startswith=prefix).values_list("key", flat=True))
