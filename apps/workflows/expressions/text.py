"""Value → text, as `~`, `+` and text filters see it; printing is in `printing`."""

import struct
from collections.abc import Iterable, Mapping, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from pathlib import PurePath
from uuid import UUID

from apps.workflows.expressions import temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_DIGITS, MAX_TEXT
from apps.workflows.expressions.values import Float32

SIMPLE_LOW, SIMPLE_HIGH = 1e-3, 1e7


def float_text(value: float) -> str:
    """The shortest digits that read back the same; scientific below 0.001 and from 10 million on."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if str(float(value)).startswith("-") else "0.0"
    digits = float32_digits(value) if isinstance(value, Float32) else float.__repr__(value)
    number = Decimal(digits)
    text = "".join(map(str, number.as_tuple().digits)).rstrip("0") or "0"
    minus = "-" if number < 0 else ""
    # How many digits stand before the point.
    point = number.adjusted() + 1
    if SIMPLE_LOW <= abs(value) < SIMPLE_HIGH:
        if point <= 0:
            return f"{minus}0.{'0' * -point}{text}"
        whole, fraction = text[:point].ljust(point, "0"), text[point:]
        return f"{minus}{whole}.{fraction or '0'}"
    return f"{minus}{text[0]}.{text[1:] or '0'}E{point - 1}"


def float32_digits(value: float) -> str:
    """The fewest digits that give the same single-precision number."""
    for precision in range(1, 10):
        digits = f"{float(value):.{precision}g}"
        if struct.unpack("f", struct.pack("f", float(digits)))[0] == value:
            return digits
    return repr(float(value))


def decimal_text(value: Decimal) -> str:
    """All digits, never scientific."""
    if value.is_finite() and abs(value.adjusted()) > MAX_DIGITS:
        raise Failure(f"A number has more than {MAX_DIGITS} digits.")
    return format(value, "f")


def plain_text(value: object) -> str:
    """What `~`, `+`, `join` and text filters make of a value; lists and maps look like `[1, 2]` and `{a=1}`."""
    if isinstance(value, Enum):
        return value.name
    return value if isinstance(value, str) else text_of(value)


@singledispatch
def text_of(value: object) -> str:
    """The text of a value that is neither text nor enum, by its type."""
    # Anything that is not registered is foreign to the language: its own __str__ is not run on purpose.
    raise Failure(f"A value of type {type(value).__name__} has no text.")


@text_of.register
def _(value: None) -> str:
    return "null"


@text_of.register
def _(value: bool) -> str:
    return "true" if value else "false"


@text_of.register
def _(value: int) -> str:
    return int.__repr__(value)


text_of.register(float, float_text)
text_of.register(Decimal, decimal_text)
for kind in (
    temporal.Instant,
    temporal.LocalDateTime,
    temporal.ZonedDateTime,
    temporal.Duration,
    date,
    time,
    timedelta,
):
    text_of.register(kind, temporal.temporal_text)
text_of.register(UUID, str)
text_of.register(PurePath, str)


def join_texts(texts: Iterable[str], separator: str = "") -> str:
    """The texts as one, unless that is larger than one rendering may make."""
    found, size = [], 0
    for text in texts:
        size += len(text) + len(separator)
        if size > MAX_TEXT:
            raise Failure(f"A text has more than {MAX_TEXT} characters.")
        found.append(text)
    return separator.join(found)


@text_of.register
def _(value: Mapping) -> str:  # type: ignore[type-arg]
    return "{" + join_texts((f"{plain_text(key)}={plain_text(item)}" for key, item in value.items()), ", ") + "}"


@text_of.register(list)
@text_of.register(tuple)
@text_of.register(Set)
def _(value: Iterable[object]) -> str:
    return "[" + join_texts(map(plain_text, value), ", ") + "]"


@text_of.register(bytes)
@text_of.register(bytearray)
def _(value: bytes) -> str:
    return bytes(value).decode("utf-8", "replace")


def concatenated_text(value: object) -> str:
    """What `~` makes of a value: null is empty."""
    return "" if value is None else plain_text(value)
