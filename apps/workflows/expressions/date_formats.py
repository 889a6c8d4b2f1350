"""Named date formats, and the reading of dates in texts."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from apps.workflows.expressions import date_names, date_parser, date_patterns, temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import LocalDateTime, ZonedDateTime, offset_seconds, offset_text, wall_clock

# Pebble and Kestra names that are patterns.
PATTERNS: Final = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_seq": "yyyy-MM-dd HH:mm:ss",
    "full": "EEEE, MMMM d, yyyy, h:mm:ss\u202fa zzzz",
    "long": "MMMM d, yyyy, h:mm:ss\u202fa z",
    "medium": "MMM d, yyyy, h:mm:ss\u202fa",
    "short": "M/d/yy, h:mm\u202fa",
}
STYLES: Final = frozenset({"full", "long", "medium", "short"})
ISO_TEXT: Final = re.compile(
    r"(?P<date>[+-]?[0-9]{4,9}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{0,9}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?(?:\[(?P<zone>[^\]]+)\])?)?",
    re.IGNORECASE,
)
RFC_1123: Final = re.compile(
    r"(?:[A-Za-z]{3}, )?(?P<day>[0-9]{1,2}) (?P<month>[A-Za-z]{3}) (?P<year>[0-9]{4})"
    r" (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))? (?P<offset>GMT|[+-][0-9]{4})"
)


def day(at: datetime) -> str:
    return temporal.date_text(at)


def clock(moment: ZonedDateTime) -> str:
    return temporal.time_text(moment.at, moment.nano, grouped=False, short=False)


def offset(moment: ZonedDateTime) -> str:
    return offset_text(offset_seconds(moment.at), minutes="seconds")


def iso_zoned(moment: ZonedDateTime) -> str:
    zone = temporal.zone_id(moment.at)
    region = "" if zone == offset(moment) else f"[{zone}]"
    return f"{day(moment.at)}T{clock(moment)}{offset(moment)}{region}"


def iso_week(moment: ZonedDateTime) -> str:
    year, week, weekday = moment.at.isocalendar()
    return f"{year:04}-W{week:02}-{weekday}{offset(moment)}"


def iso_instant(moment: ZonedDateTime) -> str:
    return temporal.temporal_text(temporal.Instant(moment.at.astimezone(UTC), moment.nano))


def rfc_1123(moment: ZonedDateTime) -> str:
    at = moment.at
    zone = offset_text(offset_seconds(at), separator="", zero="GMT")
    names = date_names.ENGLISH
    return f"{names.days_short[at.weekday()]}, {at.day} {names.months_short[at.month - 1]} {at:%Y %H:%M:%S} {zone}"


NAMED: Final[dict[str, Callable[[ZonedDateTime], str]]] = {
    "iso_date_time": iso_zoned,
    "iso_zoned_date_time": iso_zoned,
    "iso_offset_date_time": lambda moment: f"{day(moment.at)}T{clock(moment)}{offset(moment)}",
    "iso_local_date_time": lambda moment: f"{day(moment.at)}T{clock(moment)}",
    "iso_date": lambda moment: day(moment.at) + offset(moment),
    "iso_offset_date": lambda moment: day(moment.at) + offset(moment),
    "iso_local_date": lambda moment: day(moment.at),
    "iso_time": lambda moment: clock(moment) + offset(moment),
    "iso_offset_time": lambda moment: clock(moment) + offset(moment),
    "iso_local_time": clock,
    "iso_instant": iso_instant,
    "iso_ordinal_date": lambda moment: f"{moment.at:%Y}-{moment.at:%j}{offset(moment)}",
    "iso_week_date": iso_week,
    "basic_iso_date": lambda moment: f"{moment.at:%Y%m%d}" + offset_text(offset_seconds(moment.at), separator=""),
    "rfc_1123_date_time": rfc_1123,
}


def format_moment(moment: ZonedDateTime, format: str, locale: str | None) -> str:
    """The date as a named format or a pattern says; raises Failure."""
    if format in NAMED:
        return NAMED[format](moment)
    if format in STYLES and not date_names.is_english(locale):
        return date_patterns.localized(moment, format, locale)
    return date_patterns.format_pattern(moment, PATTERNS.get(format, format), locale)


def parse_moment(text: str, format: str | None, locale: str | None, zone: tzinfo) -> ZonedDateTime | LocalDateTime:
    """The date in a text: with zone, else with time of day, else the start of the day in `zone`. Raises Failure."""
    try:
        if format == "rfc_1123_date_time":
            return parse_rfc_1123(text)
        if format is None or format in NAMED:
            return parse_iso(text)
        parsed = date_parser.parse_pattern(text, PATTERNS.get(format, format), locale)
    except (ValueError, OverflowError):
        raise unreadable() from None
    return parsed


def unreadable() -> Failure:
    """The error for a text without a date; the text may be secret and is not repeated."""
    return Failure("The text could not be parsed as a date.")


def parse_iso(text: str) -> ZonedDateTime | LocalDateTime:
    """`2013-09-08`, `2013-09-08T16:19:12.123`, with `Z`, `+02:00` or `+02:00[Europe/Paris]` behind."""
    found = ISO_TEXT.fullmatch(text)
    if found is None:
        raise ValueError
    start = date.fromisoformat(found["date"])
    if found["hour"] is None:
        return LocalDateTime(wall_clock(start.year, start.month, start.day))
    clock = (int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    at = wall_clock(start.year, start.month, start.day, *clock)
    nano = int((found["fraction"] or "").ljust(9, "0"))
    if found["offset"] is None:
        if found["zone"] is not None:
            raise ValueError
        return LocalDateTime(at, nano)
    shift = temporal.find_zone(found["offset"].upper())
    if found["zone"] is None:
        return ZonedDateTime(at.replace(tzinfo=shift), nano)
    return ZonedDateTime(at.replace(tzinfo=shift).astimezone(temporal.find_zone(found["zone"])), nano)


def parse_rfc_1123(text: str) -> ZonedDateTime:
    """`Tue, 8 Feb 2022 19:38:26 GMT`."""
    found = RFC_1123.fullmatch(text)
    if found is None:
        raise ValueError
    month = date_names.ENGLISH.months_short.index(found["month"]) + 1
    shift = UTC if found["offset"] == "GMT" else temporal.find_offset(found["offset"], found["offset"])
    at = datetime(
        int(found["year"]),
        month,
        int(found["day"]),
        int(found["hour"]),
        int(found["minute"]),
        int(found["second"] or 0),
        tzinfo=shift,
    )
    return ZonedDateTime(at)
