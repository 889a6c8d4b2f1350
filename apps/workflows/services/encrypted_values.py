"""Encrypted inputs and outputs inside a tree of values: decrypted on the way to an expression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.encryption.services import decrypt, encrypt, is_configured

ENCRYPTED = "io.kestra.datatype:aes_encrypted"
"""``type`` of the map that stands for an encrypted text."""


def encrypted_value(clear: str) -> dict[str, Any]:
    """What stands for a secret text where it is stored. ValueError when this installation has no key."""
    if not is_configured():
        raise ValueError("Unable to use a `SECRET` input/output as encryption is not configured")
    return {"type": ENCRYPTED, "value": encrypt(clear)}


def decrypt_values(value: Any, on_secret: Callable[[str], None]) -> Any:
    """The tree with each encrypted text replaced by its clear text; ``on_secret`` is told each, for masking."""
    if isinstance(value, dict):
        if value.get("type") == ENCRYPTED and isinstance(value.get("value"), str):
            clear = decrypt(value["value"])
            on_secret(clear)
            return clear
        return {key: decrypt_values(item, on_secret) for key, item in value.items()}
    if isinstance(value, list):
        return [decrypt_values(item, on_secret) for item in value]
    return value
