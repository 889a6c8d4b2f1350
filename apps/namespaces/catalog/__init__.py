"""What a KV pair may hold and be called."""

from apps.namespaces.catalog.kv_types import (
    MAX_VALUE_BYTES,
    KvType,
    TypedValue,
    UnfitValue,
    check_key,
    decode_value,
    parse_body,
    type_value,
)

__all__ = [
    "MAX_VALUE_BYTES",
    "KvType",
    "TypedValue",
    "UnfitValue",
    "check_key",
    "decode_value",
    "parse_body",
    "type_value",
]
