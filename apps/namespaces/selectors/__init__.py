"""Reads of namespaces."""

from apps.namespaces.selectors.key_values import ValueLost, get_kv, kv_exists, list_kv, list_kv_keys, require_kv
from apps.namespaces.selectors.namespaces import (
    Inherited,
    get_namespace,
    inherited,
    inherited_cache,
    may_use,
    merged_variables,
)

__all__ = [
    "Inherited",
    "ValueLost",
    "get_kv",
    "get_namespace",
    "inherited",
    "inherited_cache",
    "kv_exists",
    "list_kv",
    "list_kv_keys",
    "may_use",
    "merged_variables",
    "require_kv",
]
