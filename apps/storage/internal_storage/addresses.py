"""Addresses: ``kestra:///<namespace as folders>/…``, where each kind of file lies, and how to read one back."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from itertools import pairwise
from typing import Final

from apps.common.ids import is_id, new_id
from apps.storage.backends.base import InvalidPath, check_path

SCHEME: Final = "kestra://"
_ROOT: Final = SCHEME + "/"


def path_of(address: str) -> str:
    """``kestra:///a/b`` → ``a/b``. InvalidPath when it is no address, or one that tries to leave its tenant."""
    if not isinstance(address, str) or not address.startswith(_ROOT):
        raise InvalidPath(str(address), f"an address begins with {_ROOT}")
    path = address.removeprefix(_ROOT)
    check_path(path)
    return path


def address_of(path: str) -> str:
    """``a/b`` → ``kestra:///a/b``. InvalidPath."""
    check_path(path)
    return _ROOT + path


def is_below(address: str, folder: str) -> bool:
    """Whether an address lies in a folder (itself an address), at any depth. InvalidPath."""
    return path_of(address).startswith(path_of(folder) + "/")


def slug(text: str) -> str:
    """An id as it is written in a path: ``My_Flow`` → ``my-flow``. Letters without accents, digits and dashes."""
    plain = unicodedata.normalize("NFD", re.sub(r"\s", "-", text))
    plain = re.sub(r"[^A-Za-z0-9_-]", "", plain).replace("_", "-")
    return re.sub(r"-{2,}", "-", plain).strip("-").lower()


def namespace_address(namespace: str) -> str:
    """The folder of a namespace: ``a.b`` → ``kestra:///a/b``. InvalidPath for a part that begins with ``_``.

    Such a part would lie where the parent's own ``_files`` and ``_kv`` are. Nor may it read like an execution's
    folder: whose file it is (`owner_of`) must show in the address.
    """
    parts = namespace.split(".")
    if any(part.startswith("_") for part in parts):
        raise InvalidPath(namespace, "a part of a namespace that begins with _ is reserved")
    if any(word == "executions" and is_id(following) for word, following in pairwise(parts)):
        raise InvalidPath(namespace, "it reads like the folder of an execution")
    return address_of(namespace.replace(".", "/"))


def execution_address(namespace: str, flow_id: str, execution_id: str) -> str:
    """The folder that holds all files of an execution."""
    return _joined(namespace_address(namespace), slug(flow_id), "executions", execution_id)


def task_file_address(
    namespace: str, flow_id: str, execution_id: str, task_id: str, task_run_id: str, name: str
) -> str:
    """A file that a task run produced. `name` may hold folders."""
    folder = execution_address(namespace, flow_id, execution_id)
    return _joined(folder, "tasks", slug(task_id), task_run_id, name)


def input_address(namespace: str, flow_id: str, execution_id: str, input_id: str, extension: str = ".upl") -> str:
    """A new address for an uploaded input; each call gives another one."""
    folder = execution_address(namespace, flow_id, execution_id)
    return _joined(folder, "inputs", input_id, new_id() + extension)


def trigger_file_address(namespace: str, flow_id: str, execution_id: str, trigger_id: str, name: str) -> str:
    """A file that a trigger handed to the execution it started."""
    folder = execution_address(namespace, flow_id, execution_id)
    return _joined(folder, "trigger", slug(trigger_id), name)


def cache_address(namespace: str, flow_id: str, task_id: str, value: str | None = None) -> str:
    """The cache of a WorkingDirectory; within a loop each value has its own."""
    parts = [slug(flow_id), slug(task_id), "cache"]
    if value is not None:
        parts.append(hashlib.sha256(value.encode()).hexdigest())
    return _joined(namespace_address(namespace), *parts, "cache.zip")


def namespace_file_address(namespace: str, path: str) -> str:
    """A namespace file: ``/dir/a.py`` or ``dir/a.py``; an empty path or ``/`` is the folder of them all."""
    folder = _joined(namespace_address(namespace), "_files")
    inner = path.strip("/")
    return _joined(folder, inner) if inner else folder


def kv_value_address(namespace: str, key: str, version: str) -> str:
    """The value of a KV pair as of one version."""
    return _joined(namespace_address(namespace), "_kv", f"{key}.{version}.ion")


def execution_id_of(address: str) -> str | None:
    """The execution a file belongs to; None for a file of no execution. InvalidPath."""
    parts = path_of(address).split("/")
    for word, following in pairwise(parts):
        if word == "executions" and is_id(following):
            return following
    return None


def owner_of(address: str) -> str:
    """The namespace whose backend holds a file, told from the address alone. InvalidPath.

    A flow ``b`` of the namespace ``a`` lies where a namespace ``a.b`` would: what follows tells them apart.
    """
    parts = path_of(address).split("/")
    for place, part in enumerate(parts):
        if part.startswith("_"):
            return ".".join(parts[:place])
        if part == "executions" and place > 0 and len(parts) > place + 1 and is_id(parts[place + 1]):
            return ".".join(parts[: place - 1])
    if parts[-1] == "cache.zip":
        # <namespace>/<flow>/<task>/cache/[<hash>/]cache.zip
        for below in (4, 5):
            if len(parts) > below and parts[2 - below] == "cache":
                return ".".join(parts[:-below])
    return ".".join(parts)


def _joined(folder: str, *parts: str) -> str:
    if not all(parts):
        raise InvalidPath("/".join((folder, *parts)), "a name is empty")
    return address_of("/".join((folder.removeprefix(_ROOT), *parts)))
