"""NamespaceKeyValues: the KV pairs of one namespace as a running task sees them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.namespaces.catalog import KvType
from apps.namespaces.selectors import get_kv, list_kv_keys
from apps.namespaces.services import delete_kv, set_kv


class NamespaceKeyValues:
    """The KeyValueStore of plugin_api, in the open tenant. Access was checked by whoever made it.

    A bad key, type or value is an error whose text says what is wrong; nothing is audited, the execution tells it.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def get(self, key: str) -> Any:
        """The typed value: datetime, date, timedelta or what JSON holds. KeyError when absent or expired."""
        found = get_kv(self.namespace, key)
        if found is None:
            raise KeyError(key)
        return found.value

    def set(
        self, key: str, value: Any, *, kv_type: str | None = None, ttl: timedelta | None = None, overwrite: bool = True
    ) -> None:
        """Store a pair. FileExistsError when it is there and `overwrite` is false."""
        set_kv(
            acting_user=None,
            namespace=self.namespace,
            key=key,
            value=value,
            kv_type=KvType(kv_type) if kv_type is not None else None,
            ttl=ttl,
            overwrite=overwrite,
        )

    def delete(self, key: str) -> bool:
        """True when there was one."""
        return delete_kv(acting_user=None, namespace=self.namespace, key=key)

    def keys(self, prefix: str = "") -> list[str]:
        """Keys in order, expired ones left out."""
        return list_kv_keys(self.namespace, prefix)
