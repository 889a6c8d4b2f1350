"""Text or JSON → the typed value of an input or output; JSON-able, dates and durations as ISO text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from apps.workflows.plugin_api.duration import format_duration, parse_duration
from apps.workflows.plugin_api.yaml_value import parse_yaml


class InputType(StrEnum):
    """The types of inputs and of flow outputs."""

    STRING = "STRING"
    SECRET = "SECRET"  # noqa: S105 — the name of a type
    INT = "INT"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    TIME = "TIME"
    DURATION = "DURATION"
    FILE = "FILE"
    JSON = "JSON"
    YAML = "YAML"
    URI = "URI"
    EMAIL = "EMAIL"
    SELECT = "SELECT"
    ENUM = "ENUM"
    MULTISELECT = "MULTISELECT"
    ARRAY = "ARRAY"


INT_MIN, INT_MAX = -(2**31), 2**31 - 1
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d)(:\d\d)?(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d\d:\d\d)(:\d\d)?(\.\d{1,9})?")
_DURATION = re.compile(r"[+-]?[Pp].+")
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+\.[^\s/?#.]+([/?#]\S*)?")
_EMAIL = re.compile(r"([^\s@\"(),:;<>\[\\\]]+@[a-zA-Z0-9.-]+)?")
_FILE = re.compile(r"kestra:///[^\x00\\]+")


class Unparsable(ValueError):
    """The value is not of the type; the text is the reason, to be put into an error that names the input."""


def expected(kind: str, value: Any) -> Unparsable:
    """The reason given for a value that is not of its type at all."""
    return Unparsable(f"Expected `{kind}` but received `{show(value)}`")


def show(value: Any) -> str:
    """A value as error texts print it: ``null``, ``true``, ``[a, b]``, everything else as its text."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "[" + ", ".join(show(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{show(key)}={show(item)}" for key, item in value.items()) + "}"
    return str(value)


def parse_text(value: Any) -> str:
    """The value as text: what is no text is written as JSON, a date or duration in its ISO form."""
    match value:
        case str():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return format_instant(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return format_duration(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise expected("STRING", value) from error


def parse_int(value: Any) -> int:
    """A whole number of 32 bits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not INT_MIN <= value <= INT_MAX:
        raise expected("INT", value)
    return value


def parse_float(value: Any) -> float:
    """A finite number: JSON knows no other."""
    read = value.strip(" \t\r\n") if isinstance(value, str) else value
    is_text = isinstance(read, str) and _FLOAT.fullmatch(read)
    if not is_text and (isinstance(read, bool) or not isinstance(read, int | float)):
        raise expected("FLOAT", value)
    try:
        number = float(read)
    except OverflowError as error:
        raise expected("FLOAT", value) from error
    if not math.isfinite(number):
        raise expected("FLOAT", value)
    return number


def parse_boolean(value: Any) -> bool:
    """True for true and for the text ``true`` in any case; everything else is false, as in Kestra."""
    return value if isinstance(value, bool) else show(value).lower() == "true"


def parse_instant(value: Any) -> str:
    """An instant with a zone, answered in UTC: ``2024-01-31T10:15:30Z``."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return format_instant(value)
    found = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise expected("DATETIME", value)
    minutes, seconds, fraction, zone = found.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(minutes.upper() + (seconds or ":00") + _micros(fraction) + offset)
        return format_instant(moment)
    except (ValueError, OverflowError) as error:
        raise expected("DATETIME", value) from error


def _micros(fraction: str | None) -> str:
    return "." + fraction[1:7].ljust(6, "0") if fraction else ""


def format_instant(moment: datetime) -> str:
    """UTC with ``Z``; the fraction in groups of three digits, none when it is zero."""
    moment = moment.astimezone(UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return text + _fraction(moment.microsecond) + "Z"


def _fraction(micros: int) -> str:
    if micros == 0:
        return ""
    return f".{micros // 1000:03d}" if micros % 1000 == 0 else f".{micros:06d}"


def parse_date(value: Any) -> str:
    """``2024-01-31``."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise expected("DATE", value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise expected("DATE", value) from error


def parse_time(value: Any) -> str:
    """``10:15:30``; seconds that are zero are left out: ``10:15``."""
    if isinstance(value, time) and value.tzinfo is None:
        return _format_time(value)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None or (found[3] and not found[2]):
        raise expected("TIME", value)
    try:
        return _format_time(time.fromisoformat(found[1] + (found[2] or ":00") + _micros(found[3])))
    except ValueError as error:
        raise expected("TIME", value) from error


def _format_time(moment: time) -> str:
    if moment.second == 0 and moment.microsecond == 0:
        return moment.strftime("%H:%M")
    return moment.strftime("%H:%M:%S") + _fraction(moment.microsecond)


def parse_iso_duration(value: Any) -> str:
    """An ISO 8601 duration of fixed length, answered as Java writes it: ``PT36H``."""
    if not isinstance(value, timedelta) and not (isinstance(value, str) and _DURATION.fullmatch(value)):
        raise expected("DURATION", value)
    try:
        return format_duration(parse_duration(value))
    except (ValueError, OverflowError) as error:
        raise expected("DURATION", value) from error


def parse_file(value: Any) -> str:
    """An address in internal storage, ``kestra:///…``; where it may point is checked by whoever opens it."""
    text = value if isinstance(value, str) else ""
    if not _FILE.fullmatch(text) or ".." in text.split("/"):
        raise expected("FILE", value)
    return text


def parse_json(value: Any) -> Any:
    """A text is read as JSON, anything else is taken as the structure itself when JSON can hold it."""
    try:
        if isinstance(value, str):
            return json.loads(value, parse_constant=_no_constant)
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise expected("JSON", value) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse_yaml_value(value: Any) -> Any:
    """A text is read as YAML, anything else is taken as the structure itself."""
    if not isinstance(value, str):
        return parse_json(value)
    try:
        return parse_yaml(value)
    except ValueError as error:
        raise expected("YAML", value) from error


def parse_uri(value: Any) -> str:
    """``scheme://host.tld…``."""
    if not isinstance(value, str) or not _URI.fullmatch(value):
        raise expected("URI", value)
    return value


def parse_email(value: Any) -> str:
    """An address that looks like one, or an empty text."""
    text = parse_text(value)
    if not _EMAIL.fullmatch(text):
        raise Unparsable("The input must be a valid email")
    return text


def parse_list(value: Any, item_type: InputType | None, kind: InputType) -> list[Any]:
    """A list, or a JSON text holding one, with each element of the item type."""
    items = value
    if isinstance(items, str):
        try:
            items = json.loads(items, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise expected(kind, value) from error
    if not isinstance(items, list | tuple):
        raise expected(kind, value)
    if item_type is None:
        return [parse_json(item) if not isinstance(item, str) else item for item in items]
    typed = []
    for item in items:
        try:
            typed.append(parse_typed(item_type, item))
        except Unparsable as error:
            raise Unparsable(f"Unable to parse array element as `{item_type}` on `{show(item)}`") from error
    return typed


_PARSERS: dict[InputType, Callable[[Any], Any]] = {
    InputType.STRING: parse_text,
    InputType.SECRET: parse_text,
    InputType.INT: parse_int,
    InputType.FLOAT: parse_float,
    InputType.BOOLEAN: parse_boolean,
    InputType.DATETIME: parse_instant,
    InputType.DATE: parse_date,
    InputType.TIME: parse_time,
    InputType.DURATION: parse_iso_duration,
    InputType.FILE: parse_file,
    InputType.JSON: parse_json,
    InputType.YAML: parse_yaml_value,
    InputType.URI: parse_uri,
    InputType.EMAIL: parse_email,
    InputType.SELECT: parse_text,
    InputType.ENUM: parse_text,
}


def parse_typed(kind: InputType, value: Any, item_type: InputType | None = None) -> Any:
    """The typed value of anything but null. Unparsable, with the reason, when it is not of the type."""
    if kind in (InputType.ARRAY, InputType.MULTISELECT):
        return parse_list(value, item_type, kind)
    return _PARSERS[kind](value)
