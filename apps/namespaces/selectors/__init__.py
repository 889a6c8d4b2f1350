"""Reads of namespaces."""

from apps.namespaces.selectors.key_values import ValueLost, get_kv, kv_exists, list_kv, list_kv_keys, require_kv

__all__ = ["ValueLost", "get_kv", "kv_exists", "list_kv", "list_kv_keys", "require_kv"]
