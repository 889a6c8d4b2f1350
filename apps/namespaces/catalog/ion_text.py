"""Ion text as a person may write it: one value in Python's own types, or the text itself."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any, Final

from amazon.ion import simpleion
from amazon.ion.core import IonType, Timestamp, TimestampPrecision
from amazon.ion.exceptions import IonException

_ONE_WORD: Final = re.compile(r"\s*[^\s/]+\s*")


class _NotPlain(ValueError):
    """The Ion value has no equal in JSON, dates and durations."""


def read_ion(body: str) -> Any:
    """The value of an Ion text: JSON's types, date, datetime. The text itself when it is not exactly one such value.

    A text that Ion would read but not give back whole (a comment after a number, an annotation) stays a text as well.
    """
    try:
        values = simpleion.loads(body, single_value=False)
        if len(values) != 1:
            return body
        value = _plain(values[0])
    except (IonException, _NotPlain, ValueError, OverflowError):
        return body
    kind = values[0].ion_type
    if kind is IonType.SYMBOL:
        return value if body in (value, f"'{value}'") else body
    if kind in (IonType.STRUCT, IonType.LIST, IonType.STRING) or _ONE_WORD.fullmatch(body):
        return value
    return body


def _plain(value: Any) -> Any:
    if value.ion_annotations:
        raise _NotPlain
    match value.ion_type:
        case IonType.NULL:
            return None
        case IonType.BOOL:
            return bool(value)
        case IonType.SYMBOL:
            return value.text
        case IonType.TIMESTAMP:
            return _moment(value)
        case IonType.STRUCT:
            return {str(key): _plain(item) for key, item in value.items()}
        case IonType.LIST:
            return [_plain(item) for item in value]
        case IonType.STRING | IonType.INT | IonType.FLOAT | IonType.DECIMAL:
            return value
    raise _NotPlain


def _moment(value: Timestamp) -> date | datetime:
    """A day, or an instant with a known offset; a month or a local time is neither."""
    if value.precision is TimestampPrecision.DAY:
        return date(value.year, value.month, value.day)
    if value.precision in (TimestampPrecision.MINUTE, TimestampPrecision.SECOND) and value.tzinfo is not None:
        clock = (value.hour, value.minute, value.second, value.microsecond)
        return datetime(value.year, value.month, value.day, *clock, tzinfo=value.tzinfo).astimezone(UTC)
    raise _NotPlain
