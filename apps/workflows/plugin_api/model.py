"""Base of everything that is written in YAML: camelCase names, no unknown property, frozen."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel


class PluginModel(BaseModel):
    """A node of a flow. Field names are snake_case in Python and camelCase in YAML and JSON."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any, info: ValidationInfo) -> Any:
        # In YAML a key without a value says the same as no key; a caller in Python means None when it passes None.
        if info.context is not None and isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None}
        return data

    def to_json(self) -> dict[str, Any]:
        """The node as the API shows it: camelCase, null fields and fields equal to their default left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)
