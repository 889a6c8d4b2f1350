"""IonWriter: rows to Ion text, a struct a line, fast: whole columns of a batch are written at once."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from apps.workflows.expressions.ion_text import quoted, symbol, to_ion

_SPECIAL = re.compile('["\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_NONE = type(None)


class IonWriter:
    """Writes batches of rows with the same fields. Of fields with the same name the last one counts."""

    def __init__(self, file: BinaryIO, names: Sequence[str]) -> None:
        self.file = file
        self.places = list({name: place for place, name in enumerate(names)}.values())
        shown = (symbol(names[place]).replace("%", "%%") + ":%s" for place in self.places)
        self.template = "{" + ",".join(shown) + "}\n"

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Rows given by column, all of one length."""
        texts = [column_texts(columns[place]) for place in self.places]
        self.file.write("".join(map(self.template.__mod__, zip(*texts, strict=True))).encode())


def value_text(value: Any) -> str:
    """One value of any kind, as Ion."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{symbol(str(key))}:{value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(value_text, value)) + "]"
    write = _WRITERS.get(type(value))
    return to_ion(value) if write is None else next(iter(write([value])))


def column_texts(values: Sequence[Any]) -> Iterable[str]:
    """Each value as Ion. What is of one type, nulls aside, is written by a loop of that type alone."""
    kinds = set(map(type, values))
    if kinds == {_NONE}:
        return ["null"] * len(values)
    with_nulls = _NONE in kinds
    kinds.discard(_NONE)
    write = _WRITERS.get(next(iter(kinds))) if len(kinds) == 1 else None
    if write is None:
        return ["null" if value is None else value_text(value) for value in values]
    if not with_nulls:
        return write(values)
    texts = iter(write([value for value in values if value is not None]))
    return ["null" if value is None else next(texts) for value in values]


def _texts(values: Sequence[str]) -> Iterable[str]:
    if not _SPECIAL.search("".join(values)):
        return [f'"{value}"' for value in values]
    return [_text(value) for value in values]


def _text(value: str) -> str:
    if not _SPECIAL.search(value):
        return f'"{value}"'
    return quoted(value.encode("utf-8", "replace").decode(), '"')


def _integers(values: Sequence[int]) -> Iterable[str]:
    return map(int.__repr__, values)


def _booleans(values: Sequence[bool]) -> Iterable[str]:
    return ["true" if value else "false" for value in values]


def _floats(values: Sequence[float]) -> Iterable[str]:
    # The exponent tells a float from a decimal.
    return [text if "e" in (text := repr(value)) else _float(value, text) for value in values]


def _float(value: float, text: str) -> str:
    if math.isfinite(value):
        return text + "e0"
    return "nan" if value != value else ("+inf" if value > 0 else "-inf")


def _decimals(values: Sequence[Decimal]) -> Iterable[str]:
    return [text if "." in text and "E" not in text else _decimal(text) for text in map(str, values)]


def _decimal(text: str) -> str:
    if "N" in text or "I" in text:  # Ion has no decimal for these
        return "nan" if "N" in text else ("-inf" if text[0] == "-" else "+inf")
    return text.replace("E", "d").replace("+", "") if "E" in text else text + "."


def _dates(values: Sequence[date]) -> Iterable[str]:
    return [f'LocalDate::"{text}"' for text in map(date.isoformat, values)]


def _times(values: Sequence[time]) -> Iterable[str]:
    kinds = ["LocalTime" if value.tzinfo is None else "OffsetTime" for value in values]
    return [f'{kind}::"{text}"' for kind, text in zip(kinds, map(time.isoformat, values), strict=True)]


def _moments(values: Sequence[datetime]) -> Iterable[str]:
    texts = list(map(datetime.isoformat, values))
    return [
        f'LocalDateTime::"{text}"'
        if value.tzinfo is None
        else (f'ZonedDateTime::"{text[:-6]}Z"' if text[-6:] == "+00:00" else f'ZonedDateTime::"{text}"')
        for value, text in zip(values, texts, strict=True)
    ]


def _bytes(values: Sequence[bytes]) -> Iterable[str]:
    return ["{{" + base64.b64encode(value).decode() + "}}" for value in values]


def _lengths_of_time(values: Sequence[timedelta]) -> Iterable[str]:
    return map(to_ion, values)


_WRITERS: dict[type, Callable[[Sequence[Any]], Iterable[str]]] = {
    str: _texts,
    int: _integers,
    bool: _booleans,
    float: _floats,
    Decimal: _decimals,
    date: _dates,
    time: _times,
    datetime: _moments,
    bytes: _bytes,
    timedelta: _lengths_of_time,
    _NONE: lambda values: ["null"] * len(values),
}
