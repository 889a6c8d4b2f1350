"""Writes of namespaces."""

from apps.namespaces.services.key_values import (
    KeyExists,
    delete_kv,
    delete_kv_keys,
    delete_namespace_kv,
    purge_expired_kv,
    set_kv,
    sweep_kv_files,
)

__all__ = [
    "KeyExists",
    "delete_kv",
    "delete_kv_keys",
    "delete_namespace_kv",
    "purge_expired_kv",
    "set_kv",
    "sweep_kv_files",
]
