"""Types of KV values: how one is told from a value, read from text, written to a file and shown as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import isodate

from apps.common.errors import IllegalArgument
from apps.namespaces.catalog.ion_text import read_ion


class KvType(StrEnum):
    """In the words of the API."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    DURATION = "DURATION"
    JSON = "JSON"


MAX_KEY_LENGTH: Final = 200
MAX_VALUE_BYTES: Final = 10 * 1024 * 1024
_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
_DURATION: Final = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")


class UnfitValue(IllegalArgument):
    """The value cannot be stored, or is not of the type that was asked for."""


def check_key(key: str) -> None:
    """IllegalArgument when no pair may be called so."""
    if not key:
        raise IllegalArgument("Key cannot be null or empty")
    if not _KEY.fullmatch(key) or len(key) > MAX_KEY_LENGTH:
        raise IllegalArgument(
            f"Key must start with an alphanumeric character and hold letters, digits, '.', '_' and '-' alone, at most "
            f"{MAX_KEY_LENGTH} of them, but is '{key[:MAX_KEY_LENGTH]}'"
        )


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value in Python's own type for its KV type: datetime (UTC), date, timedelta, or what JSON holds."""

    type: KvType
    value: Any

    def to_json(self) -> Any:
        """Dates and durations as ISO text."""
        match self.value:
            case datetime():
                return self.value.isoformat().replace("+00:00", "Z")
            case date():
                return self.value.isoformat()
            case timedelta():
                return isodate.duration_isoformat(self.value)
        return self.value

    def encode(self) -> bytes:
        """Ion text. JSON is Ion; a date is written bare, which makes it an Ion timestamp. UnfitValue."""
        if self.type in (KvType.DATETIME, KvType.DATE):
            return str(self.to_json()).encode()
        try:
            content = json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UnfitValue(f"The value cannot be written as JSON: {error}") from error
        if len(content) > MAX_VALUE_BYTES:
            raise UnfitValue(f"The value has {len(content)} bytes, more than {MAX_VALUE_BYTES}: store a file instead.")
        return content


def decode_value(kind: KvType, content: bytes) -> TypedValue:
    """What `encode` wrote."""
    text = content.decode()
    match kind:
        case KvType.DATETIME:
            return TypedValue(kind, datetime.fromisoformat(text))
        case KvType.DATE:
            return TypedValue(kind, date.fromisoformat(text))
        case KvType.DURATION:
            return TypedValue(kind, isodate.parse_duration(json.loads(text)))
    return TypedValue(kind, json.loads(text))


def type_value(value: Any, kind: KvType | None = None) -> TypedValue:
    """The value with its type: told from the value, or the one asked for. UnfitValue when it is not of that type.

    As in Kestra a text that is an ISO 8601 duration is one, unless it is asked to be a STRING.
    """
    plain = _plain(value)
    if kind is not None:
        return _CONVERTED[kind](plain)
    duration = _duration_in(plain)
    if duration is not None:
        return TypedValue(KvType.DURATION, duration)
    return TypedValue(_type_of(plain), plain)


def parse_body(body: str) -> TypedValue:
    """The value that a client sent as text: JSON, else Ion (which adds dates and bare words), else the text itself."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = read_ion(body)
    try:
        return type_value(found)
    except UnfitValue:
        # JSON and Ion know numbers that are none here, such as nan and 1e999: then it was a text.
        return type_value(body)


def _plain(value: Any) -> Any:
    """A tree in Python's own types: numbers and texts of the expression language are subclasses of them."""
    match value:
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float() | Decimal():
            if not math.isfinite(value):
                raise UnfitValue(f"{value} is no number that JSON can hold.")
            return float(value)
        case datetime():
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        case date() | timedelta():
            return value
        case Mapping():
            return {str(key): _json_leaf(_plain(item)) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_json_leaf(_plain(item)) for item in value]
    raise UnfitValue(f"A {type(value).__name__} cannot be stored as a KV value.")


def _json_leaf(value: Any) -> Any:
    """Within JSON a date or duration is its text."""
    return TypedValue(KvType.JSON, value).to_json() if isinstance(value, date | timedelta) else value


def _type_of(value: Any) -> KvType:
    match value:
        case bool():
            return KvType.BOOLEAN
        case str():
            return KvType.STRING
        case int() | float():
            return KvType.NUMBER
        case datetime():
            return KvType.DATETIME
        case date():
            return KvType.DATE
        case timedelta():
            return KvType.DURATION
    return KvType.JSON


def _duration_in(value: Any) -> timedelta | None:
    """The duration that a text writes in days, hours, minutes and seconds; None when it is another text."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        return None
    try:
        found: timedelta = isodate.parse_duration(value)
    except OverflowError:
        return None
    return found


def _unfit(value: Any, kind: KvType) -> UnfitValue:
    return UnfitValue(f"Cannot convert '{str(value)[:200]}' to {kind}")


def _to_string(value: Any) -> TypedValue:
    text = value if isinstance(value, str) else TypedValue(KvType.JSON, value).to_json()
    return TypedValue(KvType.STRING, text if isinstance(text, str) else json.dumps(text, ensure_ascii=False))


def _to_number(value: Any) -> TypedValue:
    number = value
    if isinstance(value, str):
        try:
            number = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _unfit(value, KvType.NUMBER) from error
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise _unfit(value, KvType.NUMBER)
    return TypedValue(KvType.NUMBER, _plain(number))


def _to_boolean(value: Any) -> TypedValue:
    return TypedValue(KvType.BOOLEAN, value if isinstance(value, bool) else str(value).lower() == "true")


def _to_datetime(value: Any) -> TypedValue:
    found = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError as error:
            raise _unfit(value, KvType.DATETIME) from error
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise _unfit(value, KvType.DATETIME)
    return TypedValue(KvType.DATETIME, found.astimezone(UTC))


def _to_date(value: Any) -> TypedValue:
    found = value
    if isinstance(value, str):
        try:
            found = date.fromisoformat(value) if len(value) <= len("2024-01-31") else datetime.fromisoformat(value)
        except ValueError as error:
            raise _unfit(value, KvType.DATE) from error
    if isinstance(found, datetime):
        found = found.astimezone(UTC).date() if found.tzinfo else found.date()
    if not isinstance(found, date):
        raise _unfit(value, KvType.DATE)
    return TypedValue(KvType.DATE, found)


def _to_duration(value: Any) -> TypedValue:
    duration = value if isinstance(value, timedelta) else _duration_in(value)
    if duration is None:
        raise _unfit(value, KvType.DURATION)
    return TypedValue(KvType.DURATION, duration)


def _to_json(value: Any) -> TypedValue:
    if not isinstance(value, str):
        return TypedValue(KvType.JSON, _json_leaf(value))
    try:
        return TypedValue(KvType.JSON, _json_leaf(_plain(json.loads(value))))
    except (ValueError, RecursionError) as error:
        raise _unfit(value, KvType.JSON) from error


_CONVERTED: Final = {
    KvType.STRING: _to_string,
    KvType.NUMBER: _to_number,
    KvType.BOOLEAN: _to_boolean,
    KvType.DATETIME: _to_datetime,
    KvType.DATE: _to_date,
    KvType.DURATION: _to_duration,
    KvType.JSON: _to_json,
}
