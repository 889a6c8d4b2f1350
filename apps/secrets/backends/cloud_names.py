"""Names in secret managers that know neither folders nor all the letters of a key; and secrets found by their tags."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from pydantic import Field

from apps.isolation.catalog import ConfigPart
from apps.secrets.catalog import Place

DIGEST_LETTERS: Final = 24


class FilterOnTags(ConfigPart):
    """Which secrets, made elsewhere, every namespace sees under their own names."""

    tags: Mapping[str, str] = Field(title="Tags that a secret must bear", min_length=1)


def cloud_name(prefix: str, place: Place, key: str, *, most: int) -> str:
    """Letters, digits and dashes alone, at most so many: what a person can read, then a digest.

    The digest keeps apart what reads alike (`a.b` and `a-b`, `KEY` and `key`).
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{prefix}-{place.tenant_id}-{place.namespace}-{key}")
    digest = hashlib.sha256("\0".join((place.tenant_id, place.namespace, key)).encode()).hexdigest()[:DIGEST_LETTERS]
    return f"{readable[: most - DIGEST_LETTERS - 1].strip('-')}-{digest}"


def place_digest(place: Place) -> str:
    """The same for all secrets of a place, and for those of no other."""
    return hashlib.sha256("\0".join((place.tenant_id, place.namespace)).encode()).hexdigest()[:DIGEST_LETTERS]


def bears(found: Mapping[str, str] | None, wanted: Mapping[str, str]) -> bool:
    """Whether all wanted tags are there with these values."""
    return all((found or {}).get(name) == value for name, value in wanted.items())
