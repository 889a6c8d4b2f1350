"""JSON: value → text and text → value."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
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
    return "".join(pieces(value, write))


def pieces(value: object, writer: Callable[[object, "Put", int], None]) -> list[str]:
    """What a writer puts, counted on the way: a list may hold one large text a thousand times."""
    parts: list[str] = []
    size = 0

    def put(piece: str) -> None:
        nonlocal size
        size += len(piece)
        if size > MAX_TEXT:
            raise Failure(f"A text has more than {MAX_TEXT} characters.")
        parts.append(piece)

    writer(value, put, 0)
    return parts


Put = Callable[[str], object]


def write(value: object, put: Put, depth: int) -> None:
    """Write one value, piece by piece."""
    if depth > MAX_NESTING:
        raise Failure(f"A value is nested more than {MAX_NESTING} deep.")
    if isinstance(value, Enum):
        put(quote(value.name))
    elif isinstance(value, str):
        put(quote(value))
    else:
        write_typed(value, put, depth)


@singledispatch
def write_typed(value: object, put: Put, depth: int) -> None:
    """Write a value that is neither text nor enum; what is not registered here is written as its text."""
    put(quote(text.plain_text(value)))


@write_typed.register(type(None))
@write_typed.register(int)
@write_typed.register(Decimal)
def _(value: object, put: Put, depth: int) -> None:
    put(text.plain_text(value))


@write_typed.register
def _(value: float, put: Put, depth: int) -> None:
    found = text.float_text(value)
    put(found if math.isfinite(value) else quote(found))


@write_typed.register
def _(value: Mapping, put: Put, depth: int) -> None:  # type: ignore[type-arg]
    opening = "{"
    for key, item in value.items():
        # Entries that are null are left out.
        if item is not None:
            put(opening)
            put(quote(text.plain_text(key)))
            put(":")
            write(item, put, depth + 1)
            opening = ","
    put("{}" if opening == "{" else "}")


@write_typed.register(list)
@write_typed.register(tuple)
@write_typed.register(Set)
def _(value: Iterable[object], put: Put, depth: int) -> None:
    opening = "["
    for item in value:
        put(opening)
        write(item, put, depth + 1)
        opening = ","
    put("[]" if opening == "[" else "]")


@write_typed.register
def _(value: temporal.Duration | timedelta, put: Put, depth: int) -> None:
    put(temporal.duration_seconds(value))


@write_typed.register
def _(
    value: temporal.Instant | temporal.LocalDateTime | temporal.ZonedDateTime | date | time, put: Put, depth: int
) -> None:
    put(quote(temporal.json_text(value)))


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
