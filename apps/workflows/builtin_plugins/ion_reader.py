"""Reading rows of Ion text (and of JSON, which is Ion too), one value a line, with dates and bytes as what they are."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO

from apps.workflows.expressions.ion_text import parse_ion
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

CHECK_EVERY = 1000
"""Rows between two looks whether the task must stop."""
MAX_DEPTH = 100

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      "(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"
    | (?P<number>-?\d+(?:\.\d*)?(?:[eEdD][+-]?\d+)?(?=[,\]}\s]|$))
    | (?P<word>[A-Za-z_$][\w$]*)
    | '(?P<symbol>[^'\\]*(?:\\.[^'\\]*)*)'(?!')
    | \{\{(?P<blob>[A-Za-z0-9+/=\s]*)\}\}
    | (?P<infinite>[+-]inf)(?=[,\]}\s]|$)
    | (?P<sign>::|[{}\[\]:,])
    )""",
    re.VERBOSE,
)
_INTEGER = re.compile(r"-?\d+\Z")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|\r\n|.)", re.DOTALL)
_ESCAPED = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    "a": "\a",
    "v": "\v",
    "0": "\0",
    "\n": "",
    "\r\n": "",
}
_WORDS: dict[str, Any] = {"null": None, "true": True, "false": False, "nan": float("nan")}
_NANOS = re.compile(r"(\.\d{6})\d+")


class _Unusual(Exception):
    """Ion that this reader leaves to the library."""


def read_rows(context: RunContext, content: BinaryIO) -> Iterator[Any]:
    """The value of each line; empty lines are left out. TaskFailed with the line's number for what is no Ion."""
    for number, line in enumerate(content, start=1):
        if number % CHECK_EVERY == 0:
            context.cancellation.check()
        if not line.strip():
            continue
        try:
            yield parse_row(line.decode())
        except ValueError as error:
            raise TaskFailed(f"Line {number} of the file is no row of Ion or JSON: {error}") from error


def parse_row(text: str) -> Any:
    """One value. ValueError."""
    try:
        value, end = _value(text, 0, 0)
        if text[end:].strip():
            raise _Unusual
        return value
    except _Unusual:
        return parse_ion(text)


def _token(text: str, position: int) -> re.Match[str]:
    found = _TOKEN.match(text, position)
    if found is None:
        raise _Unusual
    return found


def _value(text: str, position: int, depth: int) -> tuple[Any, int]:
    found = _token(text, position)
    return _value_of(text, found, depth)


def _value_of(text: str, found: re.Match[str], depth: int) -> tuple[Any, int]:
    kind, end = found.lastgroup, found.end()
    match kind:
        case "text":
            return _unescaped(found["text"]), end
        case "number":
            return _number(found["number"]), end
        case "word" | "symbol":
            return _worded(text, found, depth)
        case "sign" if found["sign"] == "{":
            return _struct(text, end, depth + 1)
        case "sign" if found["sign"] == "[":
            return _list(text, end, depth + 1)
        case "blob":
            return _bytes(found["blob"]), end
        case "infinite":
            return float(found["infinite"]), end
    raise _Unusual


def _struct(text: str, position: int, depth: int) -> tuple[dict[str, Any], int]:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deep")
    made: dict[str, Any] = {}
    found = _token(text, position)
    while found["sign"] != "}":
        if found.lastgroup not in ("word", "symbol", "text"):
            raise _Unusual
        name = found[found.lastgroup]
        name = name if found.lastgroup == "word" else _unescaped(name)
        colon = _token(text, found.end())
        if colon["sign"] != ":":
            raise _Unusual
        made[name], end = _value(text, colon.end(), depth)
        found = _after_item(text, end, "}")
    return made, found.end()


def _list(text: str, position: int, depth: int) -> tuple[list[Any], int]:
    if depth > MAX_DEPTH:
        raise ValueError("it is nested too deep")
    made: list[Any] = []
    found = _token(text, position)
    while found["sign"] != "]":
        item, end = _value_of(text, found, depth)
        made.append(item)
        found = _after_item(text, end, "]")
    return made, found.end()


def _after_item(text: str, position: int, closing: str) -> re.Match[str]:
    """The next item, or the closing bracket."""
    found = _token(text, position)
    if found["sign"] == closing:
        return found
    if found["sign"] != ",":
        raise _Unusual
    return _token(text, found.end())


def _worded(text: str, found: re.Match[str], depth: int) -> tuple[Any, int]:
    """A keyword, or the name of a type before a value."""
    word = found[found.lastgroup or ""]
    after = _TOKEN.match(text, found.end())
    if after is not None and after["sign"] == "::":
        value, end = _value(text, after.end(), depth)
        convert = _TYPES.get(word)
        if convert is None or not isinstance(value, str):
            return value, end
        try:
            return convert(_NANOS.sub(r"\1", value)), end
        except ValueError:
            return value, end  # beyond what Python's dates can hold
    if found.lastgroup == "word" and word in _WORDS:
        return _WORDS[word], found.end()
    raise _Unusual


_TYPES: dict[str, Callable[[str], Any]] = {
    "LocalDate": date.fromisoformat,
    "LocalTime": time.fromisoformat,
    "OffsetTime": time.fromisoformat,
    "LocalDateTime": datetime.fromisoformat,
    "ZonedDateTime": lambda text: datetime.fromisoformat(text.partition("[")[0]),
    "OffsetDateTime": datetime.fromisoformat,
    "Instant": datetime.fromisoformat,
}


def _number(text: str) -> int | float | Decimal:
    if _INTEGER.match(text):
        return int(text)
    lowered = text.lower()
    return float(text) if "e" in lowered else Decimal(lowered.replace("d", "e"))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("a blob is no base64") from error


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    made = _ESCAPE.sub(_character, text)
    # JSON writes what is beyond the first plane as two halves.
    return made.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_halves(made) else made


def _has_halves(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _character(found: re.Match[str]) -> str:
    kind = found[1]
    if kind[0] in "uUx" and len(kind) > 1:
        return chr(int(kind[1:], 16))
    return _ESCAPED.get(kind, kind)
