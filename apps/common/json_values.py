"""Values as the API shows them: no nulls in objects, dates and durations as ISO 8601."""

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import isodate
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from apps.common.ids import from_uuid


class Shape(BaseModel):
    """Base of `schemas`: snake_case in Python, camelCase in JSON; unknown properties of a body are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", from_attributes=True)


def to_json_value(value: Any) -> Any:
    """What `json.dumps` takes. Keys whose value is None are left out at every depth, as clients expect."""
    if value is None or isinstance(value, str | bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Mapping):
        return {str(key): to_json_value(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple | Set):
        return [to_json_value(item) for item in value]
    if isinstance(value, BaseModel):
        by_alias = value.model_config.get("alias_generator") is not None
        names = type(value).model_fields
        return {
            (field.serialization_alias or field.alias or name if by_alias else name): to_json_value(item)
            for name, field in names.items()
            if not field.exclude and (item := getattr(value, name)) is not None
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            to_camel(field.name): to_json_value(item)
            for field in fields(value)
            if (item := getattr(value, field.name)) is not None
        }
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return isodate.duration_isoformat(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return from_uuid(value)
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(f"A {type(value).__name__} cannot be shown as JSON: turn it into plain values in schemas.")


def format_instant(value: datetime) -> str:
    """An instant in UTC with Z, to the microsecond as far as there are any."""
    if value.tzinfo is None:
        raise TypeError("A date without a zone cannot be shown: use apps.common.clock.now().")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
