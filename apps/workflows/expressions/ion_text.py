"""Amazon Ion: value → text, and text → value."""

import re
from collections.abc import Callable, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from amazon.ion import simpleion  # type: ignore[import-untyped,unused-ignore]
from amazon.ion.core import Timestamp  # type: ignore[import-untyped,unused-ignore]
from amazon.ion.exceptions import IonException  # type: ignore[import-untyped,unused-ignore]
from amazon.ion.symbols import SymbolToken  # type: ignore[import-untyped,unused-ignore]

from apps.workflows.expressions import temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.json_text import pieces
from apps.workflows.expressions.limits import MAX_NESTING
from apps.workflows.expressions.text import float_text, plain_text

SYMBOL: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
# These read as something else when they stand without quotes.
KEYWORDS: Final = frozenset({"null", "true", "false", "nan"})
SHORT: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\a": "\\a", "\v": "\\v"}


PLAIN_TYPES: Final[tuple[Any, ...]] = (bool, int, float, Decimal, str, bytes)


def to_ion(value: object) -> str:
    """Ion text; nulls are kept."""
    return "".join(pieces(value, write))


def quoted(text: str, mark: str) -> str:
    """A text between quotes of one kind."""
    return mark + "".join(escaped(character, mark) for character in text) + mark


def escaped(character: str, mark: str) -> str:
    """One character as it stands between quotes."""
    if character == mark:
        return "\\" + mark
    if character in SHORT:
        return SHORT[character]
    return f"\\x{ord(character):02x}" if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 else character


def symbol(text: str) -> str:
    """A key, between quotes only where it must be."""
    return text if SYMBOL.fullmatch(text) and text not in KEYWORDS else quoted(text, "'")


def write(value: object, put: Callable[[str], object], depth: int) -> None:
    """Write one value, piece by piece."""
    if depth > MAX_NESTING:
        raise Failure(f"A value is nested more than {MAX_NESTING} deep.")
    match value:
        case Mapping():
            write_items("{}", [(symbol(plain_text(key)) + ":", item) for key, item in value.items()], put, depth)
        case list() | tuple() | Set():
            write_items("[]", [("", item) for item in value], put, depth)
        case _:
            put(scalar(value))


def write_items(brackets: str, items: list[tuple[str, object]], put: Callable[[str], object], depth: int) -> None:
    """Write items, each behind its key, between brackets."""
    put(brackets[0])
    for index, (key, item) in enumerate(items):
        put("," + key if index else key)
        write(item, put, depth + 1)
    put(brackets[1])


def scalar(value: object) -> str:
    """A value without items."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Enum():
            return quoted(value.name, '"')
        case str():
            return quoted(value, '"')
        case int():
            return int.__repr__(value)
        case float():
            return float_of(value)
        case Decimal():
            text = plain_text(value)
            return text if "." in text else text + "."
        case _:
            return temporal_of(value)


def float_of(value: float) -> str:
    """A float always has an exponent, which tells it from a decimal; single precision shows its double."""
    value = float(value)
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "+inf" if value > 0 else "-inf"
    text = float_text(value)
    return text.replace("E", "e") if "E" in text else text.removesuffix(".0") + "e0"


def temporal_of(value: object) -> str:
    """Dates carry the name of their type."""
    found = temporal.normalized(value)
    match found:
        case temporal.ZonedDateTime(at, nano):
            offset = temporal.offset_text(temporal.offset_seconds(at), minutes="seconds")
            clock = temporal.time_text(at, nano, grouped=False, short=False)
            return f'ZonedDateTime::"{temporal.date_text(at)}T{clock}{offset}"'
        case temporal.Duration():
            return temporal.duration_seconds(found)
        case temporal.Instant() | temporal.LocalDateTime() | date() | time() | datetime() | timedelta():
            kind = {"date": "LocalDate", "time": "LocalTime"}.get(type(found).__name__, type(found).__name__)
            return f'{kind}::"{temporal.json_text(found)}"'
        case _:
            return quoted(plain_text(value), '"')


def parse_ion(source: str) -> object:
    """Text → value; raises ValueError."""
    try:
        return plain(simpleion.loads(source), 0)
    except (IonException, ArithmeticError, AttributeError, RecursionError, IndexError, TypeError) as error:
        raise ValueError(type(error).__name__) from None


def plain(value: object, depth: int) -> object:
    """What the library gives, as values of the language."""
    if depth > MAX_NESTING:
        raise ValueError("it is nested too deep")
    if isinstance(value, SymbolToken):
        return value.text
    if isinstance(value, Mapping):
        return {plain_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, Timestamp):
        return zoned(value)
    # The library's boolean is an integer of its own.
    if type(value).__name__ == "IonPyBool":
        return bool(value)
    return next((kind(value) for kind in PLAIN_TYPES if isinstance(value, kind)), None)


def zoned(value: datetime) -> datetime:
    """A timestamp as a date of Python, in the server's zone unless it has its own."""
    moment = datetime.combine(value.date(), value.time(), value.tzinfo)
    return moment if moment.tzinfo else moment.replace(tzinfo=temporal.SERVER_ZONE)


def plain_key(key: object) -> object:
    """Keys are texts."""
    return key.text if isinstance(key, SymbolToken) else key
