"""Text → date by one of Java's patterns: the pattern becomes a regular expression, its groups become fields."""

import calendar
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

import regex

from apps.workflows.expressions.date_names import Names, names_of
from apps.workflows.expressions.date_patterns import Field, split_pattern
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.limits import REGEX_SECONDS
from apps.workflows.expressions.patterns import timed_out
from apps.workflows.expressions.temporal import NANOS, LocalDateTime, ZonedDateTime, find_zone, wall_clock

OFFSET = r"Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?"
ZONE = r"[A-Za-z][A-Za-z0-9_/+~.-]*|[+-][0-9]{2}:[0-9]{2}"
SHIFTS = {
    "X": OFFSET,
    "x": OFFSET,
    "Z": rf"(?:GMT)?(?:{OFFSET})|GMT",
    "O": r"GMT(?:[+-][0-9]{1,2}(?::[0-9]{2})?)?",
    "V": ZONE,
    "z": ZONE,
    "v": ZONE,
}
NUMERIC = frozenset("yuYMLdDHhKkmsSnANQqgF")
CONVERSIONS = {"A": 1_000_000, "N": 1}


def one_of(texts: tuple[str, ...]) -> str:
    """Any of the words, the longest first."""
    return "|".join(regex.escape(text) for text in sorted(texts, key=len, reverse=True))


def is_numeric(part: Field | str | None) -> bool:
    """Whether digits stand there."""
    return isinstance(part, Field) and part.letter in NUMERIC and not (part.letter in "MLQq" and part.count > 2)


def expression_of(field: Field, names: Names, follower: Field | str | None) -> str:
    """The regular expression for a run of one letter."""
    letter, count = field.letter, field.count
    if letter in "ML" and count > 2:
        return one_of(names.months if count == 4 else names.months_short)
    if letter in "Ee" and (letter == "E" or count > 2):
        return one_of(names.days if count == 4 else names.days_short)
    if letter == "a":
        return one_of(names.halves)
    if letter == "G":
        return one_of(names.eras_long if count == 4 else names.eras)
    if letter in SHIFTS:
        return SHIFTS[letter]
    if not is_numeric(field):
        raise Failure(f"The pattern letter {letter} can not be used to read dates.")
    return digits_of(letter, count, is_numeric(follower))


def digits_of(letter: str, count: int, digits_follow: bool) -> str:
    """The regular expression for a number."""
    if letter in "yuY" and count != 2:
        # Where digits of another field follow, the year takes just its own.
        return rf"[0-9]{{{count}}}" if digits_follow else rf"[0-9]{{{min(count, 4)},9}}"
    if count > 1 or letter == "S":
        return rf"[0-9]{{{count}}}"
    return "[0-9]{1,19}" if letter in "nANg" else "[0-9]{1,3}" if letter == "D" else "[0-9]{1,2}"


@lru_cache(maxsize=256)
def compile_pattern(pattern: str, locale: str | None) -> tuple["regex.Pattern[str]", tuple[Field, ...]]:
    """The regular expression, and the field of each of its groups."""
    names, parts = names_of(locale), split_pattern(pattern)
    fields: list[Field] = []
    result = ""
    for index, part in enumerate(parts):
        follower = parts[index + 1] if index + 1 < len(parts) else None
        if isinstance(part, Field):
            fields.append(part)
            result += f"({expression_of(part, names, follower)})"
        elif part in "[]":
            result += "(?:" if part == "[" else ")?"
        else:
            result += regex.escape(part)
    opened = sum(part == "[" for part in parts) - sum(part == "]" for part in parts)
    if opened < 0:
        raise Failure("Pattern invalid as it contains ] without previous [")
    try:
        return regex.compile(result + ")?" * opened), tuple(fields)
    except regex.error:
        raise Failure(f"The pattern can not be used to read dates: {pattern}") from None


def parse_pattern(text: str, pattern: str, locale: str | None) -> ZonedDateTime | LocalDateTime:
    """The date in a text; raises ValueError when it is not there, Failure when the pattern is at fault."""
    expression, fields = compile_pattern(pattern, locale)
    try:
        found = expression.fullmatch(text, timeout=REGEX_SECONDS)
    except TimeoutError:
        raise timed_out() from None
    if found is None:
        raise ValueError
    read: dict[str, str] = {}
    for field, value in zip(fields, found.groups(), strict=True):
        if value is not None:
            read[field.letter + ("text" if not is_numeric(field) and field.letter in "MLQq" else "")] = value
    widths = {field.letter: field.count for field in fields}
    return assemble(read, widths, names_of(locale))


def assemble(read: Mapping[str, str], widths: Mapping[str, int], names: Names) -> ZonedDateTime | LocalDateTime:
    """The fields that were read, as a date."""
    day = day_of(read, widths, names)
    seconds, nano = clock_of(read, names)
    at = day + timedelta(seconds=seconds)
    zone = zone_of(read)
    return LocalDateTime(at, nano) if zone is None else ZonedDateTime(at.replace(tzinfo=zone), nano)


def day_of(read: Mapping[str, str], widths: Mapping[str, int], names: Names) -> datetime:
    """Midnight of the day; raises ValueError when fields are missing."""
    letter = next((letter for letter in "yuY" if letter in read), None)
    if letter is None:
        raise ValueError
    year = int(read[letter]) + (2000 if widths[letter] == 2 else 0)
    if "D" in read:
        return wall_clock(year, 1, 1) + timedelta(days=int(read["D"]) - 1)
    month = month_of(read, names)
    day = int(read.get("d", 0))
    if not 1 <= day <= 31:
        raise ValueError
    # The last days of short months are read leniently: 31 February is its last day.
    return wall_clock(year, month, min(day, calendar.monthrange(year, month)[1]))


def month_of(read: Mapping[str, str], names: Names) -> int:
    """The month, 1 to 12; raises ValueError."""
    for letter in "ML":
        if letter in read:
            return int(read[letter])
        if text := read.get(letter + "text"):
            texts = names.months if text in names.months else names.months_short
            return texts.index(text) + 1
    raise ValueError


def clock_of(read: Mapping[str, str], names: Names) -> tuple[int, int]:
    """Seconds since midnight, and nanoseconds; midnight when there is no time of day."""
    for letter, unit in CONVERSIONS.items():
        if letter in read:
            total = int(read[letter]) * unit
            return total // NANOS, total % NANOS
    hour = hour_of(read, names)
    minute, second = int(read.get("m", 0)), int(read.get("s", 0))
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        raise ValueError
    nano = int(read["n"]) if "n" in read else int(read.get("S", "").ljust(9, "0"))
    return (hour * 60 + minute) * 60 + second, nano


def hour_of(read: Mapping[str, str], names: Names) -> int:
    """The hour, 0 to 23."""
    if "H" in read:
        return int(read["H"])
    if "k" in read:
        return int(read["k"]) % 24
    letter = next((letter for letter in "hK" if letter in read), None)
    if letter is None:
        return 0
    if "a" not in read:
        raise ValueError
    return int(read[letter]) % 12 + 12 * names.halves.index(read["a"])


def zone_of(read: Mapping[str, str]) -> tzinfo | None:
    """The zone or offset, if the text has one."""
    for letter in "VzvXxZO":
        if letter in read:
            text = read[letter]
            return find_zone("Z" if text == "GMT" else text.removeprefix("GMT") or "Z")
    return None
