"""Secrets as the API shows and takes them; a value is only ever taken."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr

from apps.common.json_values import Shape
from apps.secrets.catalog import SecretMeta


class Tag(Shape):
    """A label of a secret."""

    key: str
    value: str


class SecretEntry(Shape):
    """A secret without its value."""

    key: str
    description: str | None = None
    tags: list[Tag] = Field(default_factory=list)

    @classmethod
    def of(cls, meta: SecretMeta) -> Self:
        tags = [Tag(key=key, value=value) for key, value in sorted(meta.tags.items())]
        return cls(key=meta.key, description=meta.description or None, tags=tags)


class SecretChange(Shape):
    """What may change without the value."""

    description: str | None = None
    tags: list[Tag] = Field(default_factory=list)

    @property
    def tag_map(self) -> dict[str, str]:
        return {tag.key: tag.value for tag in self.tags}


class SecretValue(SecretChange):
    """A secret to store."""

    key: str
    value: SecretStr
