"""Dates, times and durations to the nanosecond: the types and their standard texts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from apps.workflows.expressions.errors import Failure

# Dates without a zone of their own are shown in this one.
SERVER_ZONE: tzinfo = ZoneInfo("UTC")
NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """A point in time; `at` is in UTC and has whole seconds."""

    at: datetime
    nano: int = 0


@dataclass(frozen=True, slots=True)
class LocalDateTime:
    """A date and time of day without zone; `at` is naive and has whole seconds."""

    at: datetime
    nano: int = 0


@dataclass(frozen=True, slots=True)
class ZonedDateTime:
    """A date and time of day with offset or zone; `at` is aware and has whole seconds."""

    at: datetime
    nano: int = 0


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; `nano` is never negative."""

    seconds: int
    nano: int = 0


DateTime = Instant | LocalDateTime | ZonedDateTime
Temporal = DateTime | Duration | date | time | timedelta


def normalized(value: object) -> object:
    """Python's own datetime and timedelta as our types; everything else as it is."""
    if isinstance(value, datetime):
        whole, nano = value.replace(microsecond=0), value.microsecond * 1000
        return LocalDateTime(whole, nano) if value.tzinfo is None else ZonedDateTime(whole, nano)
    if isinstance(value, timedelta):
        return Duration(value.days * 86_400 + value.seconds, value.microseconds * 1000)
    return value


def wall_clock(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A date and time whose zone is not known yet; raises ValueError when there is none such."""
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - that is the point


def find_zone(name: str) -> tzinfo:
    """`Europe/Paris`, `UTC`, `Z`, `+02:00`, `GMT+2`; raises Failure for others."""
    text = name
    for prefix in ("UTC", "GMT", "UT"):
        if name.startswith((prefix + "+", prefix + "-")):
            text = name.removeprefix(prefix)
    if text == "Z":
        return UTC
    if text[:1] in ("+", "-"):
        return find_offset(text, name)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Failure(f"Unknown time-zone ID: {name}") from None


def find_offset(text: str, name: str) -> timezone:
    """`+2`, `+02`, `+0200`, `+02:00`, `+02:00:00`."""
    digits = text[1:].replace(":", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (1, 2, 4, 6):
        raise Failure(f"Invalid ID for ZoneOffset, invalid format: {name}")
    digits = digits.rjust(2, "0").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    if seconds > 18 * 3600:
        raise Failure(f"Zone offset not in valid range: {name}")
    return timezone(timedelta(seconds=-seconds if text[0] == "-" else seconds))


def offset_seconds(at: datetime) -> int:
    """How far the zone is ahead of UTC at that moment."""
    offset = at.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def offset_text(seconds: int, separator: str = ":", zero: str = "Z", minutes: str = "always") -> str:
    """`+02:00`; `minutes` is always, optional or seconds (shown too where there are some)."""
    if seconds == 0 and zero:
        return zero
    sign, rest = ("-", -seconds) if seconds < 0 else ("+", seconds)
    text = f"{sign}{rest // 3600:02}"
    if minutes != "optional" or rest % 3600 >= 60:
        text += f"{separator}{rest // 60 % 60:02}"
    if minutes == "seconds" and rest % 60:
        text += f"{separator}{rest % 60:02}"
    return text


def zone_id(at: datetime) -> str:
    """`Europe/Paris`, or the offset where there is no region."""
    zone = at.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return zone.key
    return offset_text(offset_seconds(at), minutes="seconds")


def fraction_text(nano: int, grouped: bool) -> str:
    """`.123`: as few digits as needed, or, grouped, 3, 6 or 9."""
    if nano == 0:
        return ""
    digits = f"{nano:09}".rstrip("0")
    if grouped:
        digits = digits.ljust(-(-len(digits) // 3) * 3, "0")
    return "." + digits


def date_text(value: date) -> str:
    """`2013-09-08`."""
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def time_text(value: time | datetime, nano: int, grouped: bool, short: bool) -> str:
    """`16:19:12.123`; short leaves out seconds that are zero."""
    text = f"{value.hour:02}:{value.minute:02}"
    if not short or value.second or nano:
        text += f":{value.second:02}"
    return text + fraction_text(nano, grouped)


def temporal_text(value: object) -> str:
    """The text a value has when it is printed by itself."""
    match normalized(value):
        case Instant(at, nano):
            return f"{date_text(at)}T{time_text(at, nano, grouped=True, short=False)}Z"
        case LocalDateTime(at, nano):
            return f"{date_text(at)}T{time_text(at, nano, grouped=True, short=True)}"
        case ZonedDateTime(at, nano):
            zone = f"[{at.tzinfo.key}]" if isinstance(at.tzinfo, ZoneInfo) and at.tzinfo.key else ""
            offset = offset_text(offset_seconds(at), minutes="seconds")
            return f"{date_text(at)}T{time_text(at, nano, grouped=True, short=True)}{offset}{zone}"
        case Duration() as duration:
            return duration_text(duration)
        case date() as day:
            return date_text(day)
        case time() as clock:
            return time_text(clock, clock.microsecond * 1000, grouped=True, short=True)
        case other:
            raise TypeError(f"{type(other).__name__} is no date")


def json_text(value: object) -> str:
    """The text a date has within JSON: seconds always, converted to the server's zone."""
    match normalized(value):
        case ZonedDateTime(at, nano):
            at = at.astimezone(SERVER_ZONE)
            offset = offset_text(offset_seconds(at), minutes="seconds")
            return f"{date_text(at)}T{time_text(at, nano, grouped=False, short=False)}{offset}"
        case LocalDateTime(at, nano):
            return f"{date_text(at)}T{time_text(at, nano, grouped=False, short=False)}"
        case time() as clock:
            return time_text(clock, clock.microsecond * 1000, grouped=False, short=False)
        case other:
            return temporal_text(other)


def duration_text(value: Duration) -> str:
    """`PT1H30M5.5S`."""
    total, nano = value.seconds, value.nano
    if total < 0 and nano:
        # The fraction counts upwards: -0.5 s is stored as -1 s + 0.5 s.
        total, nano = total + 1, nano - NANOS
    sign = -1 if total < 0 else 1
    hours, minutes, seconds = abs(total) // 3600 * sign, abs(total) // 60 % 60 * sign, abs(total) % 60 * sign
    text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or nano or not text:
        minus = "-" if seconds < 0 or nano < 0 else ""
        text += f"{minus}{abs(seconds)}{fraction_text(abs(nano), grouped=False)}S"
    return "PT" + text


def duration_seconds(value: object) -> str:
    """`90.000000000`, as durations are in JSON."""
    duration = normalized(value)
    if not isinstance(duration, Duration):
        raise TypeError(f"{type(duration).__name__} is no duration")
    total = duration.seconds * NANOS + duration.nano
    minus = "-" if total < 0 else ""
    return f"{minus}{abs(total) // NANOS}.{abs(total) % NANOS:09}"
