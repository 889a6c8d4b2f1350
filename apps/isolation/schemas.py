"""The choices within the bodies of tenants and namespaces, as the API shows and takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from apps.common.json_values import Shape
from apps.isolation.catalog import Kind
from apps.isolation.selectors import show_choice


class IsolationFields(Shape):
    """What a body holds beside its own fields. Left out: as it was; null: the backend around it holds."""

    storage_type: str | None = None
    storage_configuration: dict[str, Any] | None = None
    secret_type: str | None = None
    secret_configuration: dict[str, Any] | None = None

    def given(self) -> Iterator[tuple[Kind, str | None, dict[str, Any]]]:
        """Kind, type (None: back to what is around), configuration; of those kinds alone that the body names."""
        for kind in Kind:
            if f"{kind}_type" in self.model_fields_set:
                yield kind, getattr(self, f"{kind}_type") or None, getattr(self, f"{kind}_configuration") or {}


class ConnectionBody(Shape):
    """A backend to try."""

    type: str
    configuration: dict[str, Any] = Field(default_factory=dict)


def isolation_of(namespace: str) -> dict[str, Any]:
    """The fields of a place in the open tenant, credentials hidden. Two queries."""
    fields: dict[str, Any] = {}
    for kind in Kind:
        found = show_choice(kind, namespace)
        if found is not None:
            fields |= {f"{kind}_type": found.type, f"{kind}_configuration": found.configuration}
    return fields
