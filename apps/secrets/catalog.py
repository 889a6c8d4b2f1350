"""What a secret is called, where it lies, and what is known of it beside its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from apps.common.errors import IllegalArgument

MAX_KEY_LENGTH: Final = 200
MAX_VALUE_BYTES: Final = 64 * 1024
"""The least that every backend takes."""
_KEY: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def check_key(key: str) -> None:
    """IllegalArgument when no secret may be called so: a key becomes part of names and paths in other systems."""
    if not _KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH:
        raise IllegalArgument(
            f"A secret's key holds letters, digits, '_', '-' and '.' alone, at most {MAX_KEY_LENGTH} of them, and "
            f"begins with a letter, a digit or '_'; '{key[:60]}' does not."
        )


def check_value(value: str) -> None:
    """IllegalArgument for an empty value or one that is too long; the text does not repeat it."""
    size = len(value.encode())
    if not 0 < size <= MAX_VALUE_BYTES:
        raise IllegalArgument(f"A secret's value has 1 to {MAX_VALUE_BYTES} bytes, this one has {size}.")


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a tenant."""

    tenant_id: str
    namespace: str


@dataclass(frozen=True, slots=True)
class SecretMeta:
    """A secret without its value."""

    key: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag_text(self) -> str:
        """As a form shows and takes them: `key: value`, one a line."""
        return "\n".join(f"{name}: {value}" for name, value in sorted(self.tags.items()))
