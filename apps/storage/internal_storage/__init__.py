"""Internal storage: what the other apps call. Bytes lie under ``kestra:///…`` addresses, each tenant's apart."""

from apps.storage.backends.base import FileAttributes, FileKind, FileMissing, InvalidPath, PathTaken
from apps.storage.internal_storage.addresses import (
    SCHEME,
    cache_address,
    execution_address,
    execution_id_of,
    input_address,
    is_below,
    kv_value_address,
    namespace_address,
    namespace_file_address,
    owner_of,
    path_of,
    slug,
    task_file_address,
    trigger_file_address,
)
from apps.storage.internal_storage.choice import StorageMisconfigured, default_backend, delete_tenant_files
from apps.storage.internal_storage.store import InternalStorage, open_storage

__all__ = [
    "SCHEME",
    "FileAttributes",
    "FileKind",
    "FileMissing",
    "InternalStorage",
    "InvalidPath",
    "PathTaken",
    "StorageMisconfigured",
    "cache_address",
    "default_backend",
    "delete_tenant_files",
    "execution_address",
    "execution_id_of",
    "input_address",
    "is_below",
    "kv_value_address",
    "namespace_address",
    "namespace_file_address",
    "open_storage",
    "owner_of",
    "path_of",
    "slug",
    "task_file_address",
    "trigger_file_address",
]
