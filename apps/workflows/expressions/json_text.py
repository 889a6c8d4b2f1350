"""JSON: value → text and text → value."""

import json
import math
from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from json.encoder import ESCAPE
from typing import Final

from apps.workflows.expressions import temporal, text
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_NESTING, MAX_TEXT

SHORT: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Control characters are upper case here, where the standard library writes lower case.
ESCAPES: Final = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | SHORT


def quote(value: str) -> str:
    """A JSON string: only quotes, backslashes and control characters are escaped."""
    return '"' + ESCAPE.sub(lambda found: ESCAPES[found.group()], value) + '"'


def to_json(value: object) -> str:
    """Compact JSON; entries of maps that are null are dropped, items of lists are kept."""
    parts: list[str] = []
    write(value, parts.append, 0)
    result = "".join(parts)
    if len(result) > MAX_TEXT:
        raise Failure(f"A text has more than {MAX_TEXT} characters.")
    return result


def write(value: object, put: Callable[[str], object], depth: int) -> None:
    """Write one value, piece by piece."""
    if isinstance(value, str):
        put(quote(value.name if isinstance(value, Enum) else value))
        return
    if value is None:
        put("null")
        return
    if depth > MAX_NESTING:
        raise Failure(f"A value is nested more than {MAX_NESTING} deep.")
    match value:
        case bool():
            put("true" if value else "false")
        case Enum():
            put(quote(value.name))
        case int():
            put(int.__repr__(value))
        case float():
            put(text.float_text(value) if math.isfinite(value) else quote(text.float_text(value)))
        case Decimal():
            put(text.decimal_text(value))
        case Mapping():
            write_map(value, put, depth)
        case list() | tuple() | Set():
            opening = "["
            for item in value:
                put(opening)
                write(item, put, depth + 1)
                opening = ","
            put("[]" if opening == "[" else "]")
        case temporal.Duration() | timedelta():
            put(temporal.duration_seconds(value))
        case temporal.Instant() | temporal.LocalDateTime() | temporal.ZonedDateTime() | datetime() | date() | time():
            put(quote(temporal.json_text(value)))
        case _:
            put(quote(text.plain_text(value)))


def write_map(value: Mapping[object, object], put: Callable[[str], object], depth: int) -> None:
    """The entries in their order, without those that are null."""
    opening = "{"
    for key, item in value.items():
        if item is None:
            continue
        put(opening)
        put(quote(text.plain_text(key)))
        put(":")
        write(item, put, depth + 1)
        opening = ","
    put("{}" if opening == "{" else "}")


def refuse_constant(name: str) -> object:
    """NaN and Infinity are no JSON."""
    raise ValueError(f"{name} is not allowed")


DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def parse_json(source: str) -> object:
    """Text → value; raises ValueError."""
    try:
        return DECODER.decode(source)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
