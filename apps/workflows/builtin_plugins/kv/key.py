"""Which keys a KV pair may have."""

from __future__ import annotations

import re

from apps.workflows.plugin_api.errors import TaskFailed

_KEY = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")


def check_key(key: str) -> str:
    """The key. TaskFailed when no pair may be called so."""
    if not key:
        raise TaskFailed("Key cannot be null or empty")
    if not _KEY.fullmatch(key):
        raise TaskFailed(
            "Key must start with an alphanumeric character (uppercase or lowercase), and can contain alphanumeric "
            f"characters, dots (.), underscores (_), or hyphens (-) only, but is '{key}'"
        )
    return key
