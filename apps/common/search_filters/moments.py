"""Times of a filter: what may be written, its one form, the moments it means, and how people say it."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from apps.common.search_filters.criteria import BadFilter

Range = tuple[datetime | None, datetime | None]
"""From (inclusive) and to (inclusive); None is open."""

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMED: Final = {
    "today": ("-0d/d", "-0d/d+"),
    "yesterday": ("-1d/d", "-1d/d+"),
    "week": ("-0w/w", "-0w/w+"),
    "lastweek": ("-1w/w", "-1w/w+"),
    "month": ("-0M/M", "-0M/M+"),
    "lastmonth": ("-1M/M", "-1M/M+"),
    "year": ("-0y/y", "-0y/y+"),
    "lastyear": ("-1y/y", "-1y/y+"),
}
"""A name, and the ends it stands for; + is the end of the unit."""
UNIT_WORDS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "y": "year"}
_LONGEST: Final = 100_000
_STEP: Final = r"\d{1,6}[smhdwMy]"
_RELATIVE: Final = re.compile(rf"([-+])((?:{_STEP})+)(?:/([smhdwMy]))?(\+)?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_ISO: Final = re.compile(r"-?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
_QUARTER: Final = re.compile(r"q([1-4])(?: (\d{4}))?", re.IGNORECASE)
_UNITS: Final = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d",
    "w": "w", "week": "w", "weeks": "w", "month": "M", "months": "M", "y": "y", "year": "y", "years": "y",
}  # fmt: skip
STARTING_WORDS: Final = frozenset(
    ["last", "past", "this", "next", "today", "yesterday", "since", "before", "after", "between", "day",
     "q1", "q2", "q3", "q4"]
)  # fmt: skip
"""Words that may begin a time in typed text; as words to search for they are quoted."""
_MOST_WORDS: Final = 5


def read_time(text: str) -> str:
    """The one form of a time: -2d, yesterday, 2026-01-31..2026-02-01. BadFilter with what is possible."""
    given = text.strip()
    if given.lower() in NAMED or given.lower() in DAYS or given.lower() == "all":
        return given.lower()
    if (duration := _ISO.fullmatch(given)) and any(duration.groups()):
        steps = zip(duration.groups(), "wdhms", strict=True)
        return "-" + "".join(f"{int(number)}{unit}" for number, unit in steps if number)
    if (quarter := _QUARTER.fullmatch(given)) and quarter[2]:
        first = 3 * int(quarter[1]) - 2
        year = int(quarter[2])
        return f"{year:04d}-{first:02d}-01..{year:04d}-{first + 2:02d}-{monthrange(max(1, year), first + 2)[1]}"
    begin, dots, end = given.partition("..")
    if dots and (begin or end):
        return f"{_end(begin, text)}..{_end(end, text)}"
    return _end(given, text)


def resolve(token: str, now: datetime, zone: ZoneInfo) -> Range:
    """The moments a time means at ``now``, with days and weeks of ``zone``; weeks begin on Monday. BadFilter."""
    token = read_time(token)
    if token == "all":  # noqa: S105 - a time, no secret
        return None, None
    try:
        if token in NAMED:
            begin, end = NAMED[token]
            return _moment(begin, now, zone, last=False), _moment(end, now, zone, last=True)
        if token in DAYS:
            return _moment(token, now, zone, last=False), None
        begin, dots, end = token.partition("..")
        if dots:
            return (
                _moment(begin, now, zone, last=False) if begin else None,
                _moment(end, now, zone, last=True) if end else None,
            )
        if token.startswith("+"):
            return now, _moment(token, now, zone, last=True)
        whole_day = _DATE.fullmatch(token) is not None
        return _moment(token, now, zone, last=False), _moment(token, now, zone, last=True) if whole_day else None
    except (ValueError, OverflowError) as error:
        raise BadFilter(f"'{token[:60]}' is beyond the dates there are.") from error


def read_phrase(words: Sequence[str]) -> tuple[str, int] | None:
    """The time that the first words say, and how many words that took: ``last 2 days`` → (-2d, 3)."""
    for length in range(min(_MOST_WORDS, len(words)), 0, -1):
        found = _phrase(" ".join(words[:length]).lower())
        if found is not None:
            try:
                return read_time(found), length
            except BadFilter:
                continue
    return None


def say_time(token: str) -> str:
    """As people say it: Last 2 days, Yesterday, from … to …"""
    names = {"all": "Any time", "week": "This week", "lastweek": "Last week", "month": "This month",
             "lastmonth": "Last month", "year": "This year", "lastyear": "Last year"}  # fmt: skip
    if token in names:
        return names[token]
    if token in DAYS:
        return f"Since {token.capitalize()}"
    if (match := _RELATIVE.fullmatch(token)) and not match[3]:
        steps = re.findall(r"(\d+)([smhdwMy])", match[2])
        said = " ".join(f"{number} {UNIT_WORDS[unit]}{'' if number == '1' else 's'}" for number, unit in steps)
        return f"{'Last' if match[1] == '-' else 'Next'} {said}"
    begin, dots, end = token.partition("..")
    if dots and not end:
        return f"Since {begin}"
    if dots and not begin:
        return f"Until {end}"
    return token.replace("..", " to ").capitalize()


def _end(text: str, whole: str) -> str:
    """One end of a range, or a time by itself."""
    text = text.strip()
    if text == "" or text.lower() in DAYS:
        return text.lower()
    if match := _RELATIVE.fullmatch(text):
        if match[4] or any(int(number) > _LONGEST for number in re.findall(r"\d+", match[2])):
            raise BadFilter(f"'{whole[:60]}' is longer than a time can be.")
        return text
    if _CLOCK.fullmatch(text):
        return text
    try:
        datetime.fromisoformat(text.replace(" ", "T", 1) if _DATE.match(text) else text)
    except ValueError as error:
        raise BadFilter(
            f"'{whole[:60]}' is no time. Possible: -2d, -2d/d..-0d/d, yesterday, PT48H, 2026-01-31..2026-02-03."
        ) from error
    if not _DATE.match(text):
        raise BadFilter(f"'{whole[:60]}' is no time; write dates like 2026-01-31.")
    return text.replace(" ", "T", 1)


def _moment(text: str, now: datetime, zone: ZoneInfo, *, last: bool) -> datetime:
    """One end as a moment; ``last``: of what has a length, its end."""
    here = now.astimezone(zone)
    if text in DAYS:
        midnight = _midnight(here.date(), zone)
        return midnight - timedelta(days=(here.weekday() - DAYS.index(text)) % 7)
    if clock := _CLOCK.fullmatch(text):
        return datetime.combine(here.date(), time(int(clock[1]), int(clock[2]), int(clock[3] or 0)), zone)
    if match := _RELATIVE.fullmatch(text):
        sign = -1 if match[1] == "-" else 1
        moment = here
        for number, unit in re.findall(r"(\d+)([smhdwMy])", match[2]):
            moment = _shift(moment, sign * int(number), unit)
        if match[3]:
            moment = _floor(moment, match[3], zone)
            if match[4]:
                return _shift(moment, 1, match[3]) - timedelta(microseconds=1)
        return moment - timedelta(microseconds=1) if last and match[3] else moment
    if _DATE.fullmatch(text):
        day = date.fromisoformat(text)
        return _midnight(day + timedelta(days=1), zone) - timedelta(microseconds=1) if last else _midnight(day, zone)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _shift(moment: datetime, number: int, unit: str) -> datetime:
    if unit in "My":
        months = moment.year * 12 + moment.month - 1 + number * (12 if unit == "y" else 1)
        year, month = months // 12, months % 12 + 1
        if not 1 <= year <= 9998:
            raise OverflowError(year)
        return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
    words = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    return moment + timedelta(**{words[unit]: number})


def _floor(moment: datetime, unit: str, zone: ZoneInfo) -> datetime:
    if unit in "smh":
        return moment.replace(
            microsecond=0, second=0 if unit != "s" else moment.second, minute=0 if unit == "h" else moment.minute
        )
    day = moment.date()
    if unit == "w":
        day -= timedelta(days=day.weekday())
    elif unit in "My":
        day = day.replace(day=1, month=1 if unit == "y" else day.month)
    return _midnight(day, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone)


def _phrase(said: str) -> str | None:
    if said in {"today", "yesterday"}:
        return said
    if said == "day before yesterday":
        return "-2d/d..-1d/d"
    if match := re.fullmatch(r"(?:last|past) (?:(\d{1,6}) ?)?(full )?([a-z]+)", said):
        return _back(match[1], match[3], full=bool(match[2]))
    if match := re.fullmatch(r"next (?:(\d{1,6}) ?)?([a-z]+)", said):
        unit = _UNITS.get(match[2])
        return f"+{match[1] or 1}{unit}" if unit and (match[1] or len(match[2]) > 1) else None
    if match := re.fullmatch(r"this (week|month|year)(?: so far)?", said):
        return match[1]
    return _between(said)


def _back(number: str | None, word: str, *, full: bool) -> str | None:
    unit = _UNITS.get(word)
    if unit is None or (len(word) == 1 and not number):
        return None
    if not number:
        return {"w": "lastweek", "M": "lastmonth", "y": "lastyear"}.get(unit, f"-1{unit}")
    return f"-{number}{unit}/{unit}..-0{unit}/{unit}" if full else f"-{number}{unit}"


def _between(said: str) -> str | None:
    if match := re.fullmatch(r"between (\S+) and (\S+)", said):
        return f"{match[1].upper()}..{match[2].upper()}" if _absolute(match[1]) and _absolute(match[2]) else None
    if match := re.fullmatch(r"(since|after|before) (\S+)", said):
        if match[2] in DAYS and match[1] == "since":
            return match[2]
        if not _absolute(match[2]):
            return None
        return f"..{match[2].upper()}" if match[1] == "before" else f"{match[2].upper()}.."
    return said if _QUARTER.fullmatch(said) and " " in said else None


def _absolute(text: str) -> bool:
    return bool(_DATE.match(text) or _CLOCK.fullmatch(text))
