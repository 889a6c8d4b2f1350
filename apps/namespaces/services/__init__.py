"""Writes of namespaces."""

from apps.namespaces.services.files import NamespaceFiles
from apps.namespaces.services.key_values import (
    KeyExists,
    delete_kv,
    delete_kv_keys,
    delete_namespace_kv,
    purge_expired_kv,
    set_kv,
    sweep_kv_files,
)
from apps.namespaces.services.namespaces import (
    NamespaceSettings,
    create_namespace,
    delete_namespace_row,
    update_namespace,
)

__all__ = [
    "KeyExists",
    "NamespaceFiles",
    "NamespaceSettings",
    "create_namespace",
    "delete_kv",
    "delete_kv_keys",
    "delete_namespace_kv",
    "delete_namespace_row",
    "purge_expired_kv",
    "set_kv",
    "sweep_kv_files",
    "update_namespace",
]
