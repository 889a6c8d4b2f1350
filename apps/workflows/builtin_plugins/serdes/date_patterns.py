"""Patterns of dates as Java writes them (``yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]``): dates to text and text to dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

from apps.workflows.expressions.temporal import offset_text
from apps.workflows.plugin_api.errors import TaskFailed

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(\[)|(\])|(.)", re.DOTALL)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KNOWN = frozenset("yuMdHhmsSnaXxZzV")


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a pattern: a letter that is repeated, a text, or a bracket; ``depth`` counts those around it."""

    letter: str
    length: int
    text: str
    depth: int
    bracket: str = ""
    """As regular expressions have it."""


@lru_cache(maxsize=200)
def pieces(pattern: str) -> tuple[Piece, ...]:
    """The parts in order. TaskFailed for a letter that is not known."""
    found: list[Piece] = []
    depth = 0
    for part in _PIECE.finditer(pattern):
        quoted, letter, opening, closing, other = part.groups()
        if opening or closing:
            depth += 1 if opening else -1
            found.append(Piece("", 0, "", depth, "(?:" if opening else ")?"))
        elif letter:
            if letter not in _KNOWN:
                raise TaskFailed(f"The letter `{letter}` in the pattern `{pattern}` is not supported")
            found.append(Piece(letter, len(part[0]), "", depth))
        else:
            text = (quoted.replace("''", "'") or "'") if quoted is not None else other
            found.append(Piece("", 0, text, depth))
    return tuple(found)


def format_temporal(value: date | time | datetime, pattern: str) -> str:
    """The text. What stands in brackets is left out where the value does not have it; else TaskFailed."""
    made: list[str] = []
    for piece in pieces(pattern):
        if not piece.letter:
            made.append(piece.text)
            continue
        text = _shown(value, piece)
        if text is None and not piece.depth:
            raise TaskFailed(f"`{value}` has nothing for `{piece.letter}` in the pattern `{pattern}`")
        made.append(text or "")
    return "".join(made)


def _shown(value: date | time | datetime, piece: Piece) -> str | None:
    letter, length = piece.letter, piece.length
    if letter in "yuMd":
        return _day_part(value, letter, length) if isinstance(value, date) else None
    if letter in "XxZzV":
        return _zone(value, letter, length)
    return None if not isinstance(value, time | datetime) else _clock_part(value, letter, length)


def _day_part(value: date, letter: str, length: int) -> str:
    if letter in "yu":
        return f"{value.year % 100:02}" if length == 2 else f"{value.year:0{length}}"
    if letter == "M" and length > 2:
        return _MONTHS[value.month - 1] if length == 3 else value.strftime("%B")
    return f"{value.month if letter == 'M' else value.day:0{length}}"


def _clock_part(value: time | datetime, letter: str, length: int) -> str:
    if letter == "S":
        return f"{value.microsecond * 1000:09}"[:length]
    if letter == "a":
        return "AM" if value.hour < 12 else "PM"
    number = {
        "H": value.hour,
        "h": value.hour % 12 or 12,
        "m": value.minute,
        "s": value.second,
        "n": value.microsecond * 1000,
    }[letter]
    return f"{number:0{length}}"


def _zone(value: date | time | datetime, letter: str, length: int) -> str | None:
    offset = value.utcoffset() if isinstance(value, time | datetime) else None
    if offset is None:
        return None
    if letter in "zV":
        name = value.tzname() if isinstance(value, time | datetime) and letter == "z" else None
        return name or str(getattr(value, "tzinfo", ""))
    seconds = int(offset.total_seconds())
    separator = ":" if length in (3, 5) else ""
    minutes = "optional" if length == 1 else "always"
    return offset_text(seconds, separator, zero="Z" if letter == "X" else "", minutes=minutes)


_DIGITS = {"y": "year", "u": "year", "M": "month", "d": "day", "H": "hour", "h": "half", "m": "minute", "s": "second"}


@lru_cache(maxsize=200)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(piece.bracket or _part(piece) for piece in pieces(pattern)))


def _part(piece: Piece) -> str:
    if not piece.letter:
        return re.escape(piece.text)
    if piece.letter in _DIGITS:
        name = _DIGITS[piece.letter]
        if piece.letter == "M" and piece.length > 2:
            return "(?P<name>[A-Za-z]+)"
        return (
            f"(?P<{name}>[0-9]{{{piece.length},{4 if name == 'year' and piece.length != 2 else max(2, piece.length)}}})"
        )
    if piece.letter == "S":
        return f"(?P<fraction>[0-9]{{{piece.length}}})"
    if piece.letter == "a":
        return "(?P<half_name>[AaPp][Mm])"
    return "(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)"


def parse_date(text: str, pattern: str) -> date:
    """ValueError when it is not written so."""
    return _moment(text, pattern).date()


def parse_time(text: str, pattern: str) -> time:
    """ValueError when it is not written so."""
    return _moment(text, pattern).timetz()


def parse_moment(text: str, pattern: str) -> datetime:
    """ValueError when it is not written so."""
    return _moment(text, pattern)


def _moment(text: str, pattern: str) -> datetime:
    found = _expression(pattern).fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is not written as `{pattern}`")
    held = {name: value for name, value in found.groupdict().items() if value is not None}
    year = int(held.get("year", "1970"))
    month = _MONTHS.index(held["name"][:3].title()) + 1 if "name" in held else int(held.get("month", "1"))
    hour = int(held.get("hour", "0"))
    if "half" in held:
        hour = int(held["half"]) % 12 + (12 if held.get("half_name", "AM").upper() == "PM" else 0)
    return datetime(
        year + 2000 if year < 100 else year,
        month,
        int(held.get("day", "1")),
        hour,
        int(held.get("minute", "0")),
        int(held.get("second", "0")),
        int(held.get("fraction", "0")[:6].ljust(6, "0")),
        tzinfo=_offset(held["zone"]) if "zone" in held else None,
    )


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if text[0] == "-" else ahead)
