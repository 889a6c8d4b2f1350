"""KV pairs as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from apps.common.json_values import Shape
from apps.namespaces.models import KeyValue


class KvEntry(Shape):
    """A pair without its value."""

    namespace: str
    key: str
    type: str
    size: int
    description: str | None = None
    creation_date: datetime
    update_date: datetime
    expiration_date: datetime | None = None

    @classmethod
    def of(cls, row: KeyValue) -> Self:
        return cls(
            namespace=row.namespace,
            key=row.key,
            type=row.type,
            size=row.size,
            description=row.description or None,
            creation_date=row.created,
            update_date=row.updated,
            expiration_date=row.expires,
        )


class KvKeys(Shape):
    """Keys to delete, and in the answer those that were deleted."""

    keys: Annotated[list[str], Field(max_length=10_000)]
