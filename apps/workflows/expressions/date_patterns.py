"""Java's date patterns: `yyyy-MM-dd'T'HH:mm:ss.SSSXXX` and all their letters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from babel.dates import format_datetime, get_timezone_name

from apps.workflows.expressions.date_names import Names, find_locale, local_weekday, names_of, week_of_year
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import NANOS, ZonedDateTime, offset_seconds, offset_text, zone_id


def localized(moment: ZonedDateTime, style: str, locale: str | None) -> str:
    """One of the styles full, long, medium, short in a language."""
    return str(format_datetime(moment.at, style, locale=find_locale(locale or "en_US")))


ORDINALS: Final = ("1st", "2nd", "3rd", "4th")


@dataclass(frozen=True)
class Field:
    """A run of one letter."""

    letter: str
    count: int


@lru_cache(maxsize=256)
def split_pattern(pattern: str) -> tuple[Field | str, ...]:
    """Runs of letters, and the literal text between them; `[` and `]` stand for themselves. Raises Failure."""
    parts: list[Field | str] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character.isascii() and character.isalpha():
            end = index
            while end < len(pattern) and pattern[end] == character:
                end += 1
            if character not in FORMATS:
                raise Failure(f"Unknown pattern letter: {character}")
            parts.append(Field(character, end - index))
            index = end
        elif character == "'":
            text, index = quoted_text(pattern, index)
            parts.append(text)
        elif character in "{}#":
            raise Failure(f"Pattern includes reserved character: '{character}'")
        else:
            parts.append(character)
            index += 1
    return tuple(parts)


def quoted_text(pattern: str, start: int) -> tuple[str, int]:
    """The text between quotes, where two quotes stand for one, and where the pattern goes on."""
    index, text = start + 1, ""
    while index < len(pattern):
        if pattern[index] != "'":
            text += pattern[index]
        elif pattern.startswith("''", index):
            text += "'"
            index += 1
        else:
            return text or "'", index + 1
        index += 1
    raise Failure(f"Pattern ends with an incomplete string literal: {pattern}")


def format_pattern(moment: ZonedDateTime, pattern: str, locale: str | None) -> str:
    """The date as the pattern says; raises Failure."""
    names = names_of(locale)
    return "".join(
        FORMATS[part.letter](moment, part.count, names) if isinstance(part, Field) else "" if part in "[]" else part
        for part in split_pattern(pattern)
    )


Formatter = Callable[[ZonedDateTime, int, Names], str]


def too_many(letter: str) -> Failure:
    """The error for a run that is too long."""
    return Failure(f"Too many pattern letters: {letter}")


def number(letter: str, value: Callable[[datetime], int], longest: int = 2) -> Formatter:
    """A number, padded to the length of the run."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        if count > longest:
            raise too_many(letter)
        return f"{value(moment.at):0{count}}"

    return run


def year(value: Callable[[datetime, Names], int]) -> Formatter:
    """A year; two letters give its last two digits."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        found = value(moment.at, names)
        return f"{found % 100:02}" if count == 2 else f"{found:0{min(count, 19)}}"

    return run


def word(letter: str, value: Callable[[datetime], int], texts: Callable[[Names, int], tuple[str, ...]]) -> Formatter:
    """One of several words: three letters short, four long, five the initial."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        if count > 5:
            raise too_many(letter)
        found = texts(names, count)[value(moment.at)]
        return found[:1] if count == 5 else found

    return run


def either(numeric: Formatter, textual: Formatter) -> Formatter:
    """Up to two letters a number, from three on a word."""
    return lambda moment, count, names: (numeric if count <= 2 else textual)(moment, count, names)


def fraction(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The first digits of the fraction of the second, cut, not rounded."""
    if count > 9:
        raise too_many("S")
    return f"{moment.nano:09}"[:count]


def since_midnight(unit: int) -> Formatter:
    """The time of day in units of so many nanoseconds."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        at = moment.at
        seconds = (at.hour * 60 + at.minute) * 60 + at.second
        return f"{seconds * (NANOS // unit) + moment.nano // unit:0{min(count, 19)}}"

    return run


def half(moment: ZonedDateTime, count: int, names: Names) -> str:
    """AM or PM."""
    if count != 1:
        raise too_many("a")
    return names.halves[moment.at.hour // 12]


def day_period(moment: ZonedDateTime, count: int, names: Names) -> str:
    """`in the afternoon` and the like."""
    if count not in (1, 4, 5):
        raise too_many("B")
    clock = (moment.at.hour, moment.at.minute, moment.at.second)
    if clock in ((0, 0, 0), (12, 0, 0)):
        return "midnight" if clock[0] == 0 else "noon"
    hour = moment.at.hour
    if 6 <= hour < 12:
        return "in the morning"
    return "in the afternoon" if 12 <= hour < 18 else "in the evening" if 18 <= hour < 21 else "at night"


def era(moment: ZonedDateTime, count: int, names: Names) -> str:
    """AD or BC, of which Python's calendar knows only the first."""
    if count > 5:
        raise too_many("G")
    return names.eras_long[1] if count == 4 else names.eras[1][:1] if count == 5 else names.eras[1]


def quarter(letter: str) -> Formatter:
    """`3`, `03`, `Q3` or `3rd quarter`."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        if count > 5:
            raise too_many(letter)
        found = (moment.at.month + 2) // 3
        return {2: f"{found:02}", 3: f"Q{found}", 4: f"{ORDINALS[found - 1]} quarter"}.get(count, str(found))

    return run


def shift(letter: str, zero: str) -> Formatter:
    """The offset: X and x differ in how they show none."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        if count > 5:
            raise too_many(letter)
        separator = ":" if count in (3, 5) else ""
        minutes = "optional" if count == 1 else "always" if count < 4 else "seconds"
        nothing = zero or {1: "+00", 2: "+0000", 4: "+0000"}.get(count, "+00:00")
        return offset_text(offset_seconds(moment.at), separator, nothing, minutes)

    return run


def shift_z(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The offset by the letter Z: +0200, GMT+02:00, +02:00."""
    if count > 5:
        raise too_many("Z")
    seconds = offset_seconds(moment.at)
    if count == 4:
        return localized_offset(seconds, full=True)
    return offset_text(seconds, minutes="seconds") if count == 5 else offset_text(seconds, "", "+0000", "seconds")


def localized_offset(seconds: int, full: bool) -> str:
    """`GMT+02:00`, or short `GMT+2`."""
    if seconds == 0:
        return "GMT"
    if full:
        return "GMT" + offset_text(seconds)
    minutes = f":{abs(seconds) // 60 % 60:02}" if seconds % 3600 else ""
    return f"GMT{'-' if seconds < 0 else '+'}{abs(seconds) // 3600}{minutes}"


def shift_o(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The offset by the letter O."""
    if count not in (1, 4):
        raise Failure(f"Pattern letter count must be 1, 4, or 5: {'O' * count}")
    return localized_offset(offset_seconds(moment.at), full=count == 4)


def region(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The zone by its id."""
    if count != 2:
        raise Failure(f"Pattern letter count must be 2: {'V' * count}")
    return zone_id(moment.at)


def zone_name(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The zone by its name: `CEST`, or with four letters `Central European Summer Time`."""
    if count > 4:
        raise too_many("z")
    if "/" not in zone_id(moment.at):
        return zone_id(moment.at)
    if count == 4:
        return str(get_timezone_name(moment.at, width="long", locale="en_US"))
    return moment.at.tzname() or zone_id(moment.at)


def generic_zone_name(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The zone by a name that holds all year: `CET`, or with four letters `Central European Time`."""
    if count not in (1, 4):
        raise Failure(f"Wrong number of pattern letters: {'v' * count}")
    if "/" not in zone_id(moment.at):
        return zone_id(moment.at)
    if count == 4:
        return str(get_timezone_name(moment.at.tzinfo, width="long", zone_variant="generic", locale="en_US"))
    seasons = [moment.at.replace(month=month, day=1) for month in (1, 7)]
    return min(seasons, key=offset_seconds).tzname() or zone_id(moment.at)


def week(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The week of the year."""
    if count > 2:
        raise too_many("w")
    return f"{week_of_year(moment.at, names)[1]:0{count}}"


def week_of_month(moment: ZonedDateTime, count: int, names: Names) -> str:
    """The week of the month."""
    if count > 1:
        raise too_many("W")
    first = moment.at.replace(day=1)
    back = local_weekday(first, names) - 1
    found = (moment.at.day - 1 + back) // 7
    return str(found + 1 if 7 - back >= names.least_days else found)


def weekday_number(letter: str) -> Formatter:
    """The day of the week as a number of the locale."""

    def run(moment: ZonedDateTime, count: int, names: Names) -> str:
        if letter == "c" and count == 2:
            raise Failure('Invalid pattern "cc"')
        return f"{local_weekday(moment.at, names):0{count}}"

    return run


def twelve(hour: int) -> int:
    """The hour on a clock of twelve."""
    return hour % 12 or 12


WEEKDAY: Final = word("E", lambda at: at.weekday(), lambda names, count: names.days if count >= 4 else names.days_short)
MONTH_NUMBER: Final = number("M", lambda at: at.month)
MONTH_NAME: Final = word(
    "M", lambda at: at.month - 1, lambda names, count: names.months if count >= 4 else names.months_short
)
MONTH: Final = either(MONTH_NUMBER, MONTH_NAME)
CALENDAR_YEAR: Final = year(lambda at, names: at.year)
FORMATS: Final[dict[str, Formatter]] = {
    "G": era,
    "y": CALENDAR_YEAR,
    "u": CALENDAR_YEAR,
    "Y": year(lambda at, names: week_of_year(at, names)[0]),
    "Q": quarter("Q"),
    "q": quarter("q"),
    "M": MONTH,
    "L": MONTH,
    "w": week,
    "W": week_of_month,
    "D": number("D", lambda at: at.timetuple().tm_yday, longest=3),
    "d": number("d", lambda at: at.day),
    "F": number("F", lambda at: (at.day - 1) // 7 + 1, longest=1),
    "g": number("g", lambda at: at.toordinal() - 678_576, longest=19),
    "E": WEEKDAY,
    "e": either(weekday_number("e"), WEEKDAY),
    "c": either(weekday_number("c"), WEEKDAY),
    "a": half,
    "B": day_period,
    "H": number("H", lambda at: at.hour),
    "k": number("k", lambda at: at.hour or 24),
    "K": number("K", lambda at: at.hour % 12),
    "h": number("h", lambda at: twelve(at.hour)),
    "m": number("m", lambda at: at.minute),
    "s": number("s", lambda at: at.second),
    "S": fraction,
    "n": lambda moment, count, names: f"{moment.nano:0{min(count, 19)}}",
    "A": since_midnight(1_000_000),
    "N": since_midnight(1),
    "X": shift("X", "Z"),
    "x": shift("x", ""),
    "Z": shift_z,
    "O": shift_o,
    "V": region,
    "z": zone_name,
    "v": generic_zone_name,
}
