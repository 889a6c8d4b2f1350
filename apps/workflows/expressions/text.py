"""Value → text, as `~`, `+` and text filters see it; printing is in `printing`."""

import struct
from collections.abc import Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from apps.workflows.expressions import temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import MAX_DIGITS
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
    sign, figures, exponent = Decimal(digits).as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, figures)).rstrip("0") or "0"
    exponent += len(figures) - len(text)
    minus = "-" if sign else ""
    point = len(text) + exponent
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
    if isinstance(value, str):
        return value.name if isinstance(value, Enum) else value
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    match value:
        case Enum():
            return value.name
        case int():
            return int.__repr__(value)
        case float():
            return float_text(value)
        case Decimal():
            return decimal_text(value)
        case Mapping():
            return "{" + ", ".join(f"{plain_text(k)}={plain_text(v)}" for k, v in value.items()) + "}"
        case list() | tuple() | Set():
            return "[" + ", ".join(map(plain_text, value)) + "]"
        case bytes() | bytearray():
            return bytes(value).decode("utf-8", "replace")
        case (
            temporal.Instant()
            | temporal.LocalDateTime()
            | temporal.ZonedDateTime()
            | temporal.Duration()
            | datetime()
            | date()
            | time()
            | timedelta()
        ):
            return temporal.temporal_text(value)
        case UUID() | PurePath():
            return str(value)
        case _:
            # Anything else is foreign to the language: its own __str__ is not run on purpose.
            raise Failure(f"A value of type {type(value).__name__} has no text.")


def concatenated_text(value: object) -> str:
    """What `~` makes of a value: null is empty."""
    return "" if value is None else plain_text(value)
