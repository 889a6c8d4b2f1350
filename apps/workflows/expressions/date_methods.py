"""The methods of dates, times and durations."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import (
    NANOS,
    Duration,
    Instant,
    LocalDateTime,
    ZonedDateTime,
    find_zone,
    normalized,
    offset_seconds,
    offset_text,
    temporal_text,
    zone_id,
)
from apps.workflows.expressions.time_units import UNITS, add_units

Method = Callable[..., object]
DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
MONTHS: Final = (
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
)


def moment(value: object) -> datetime | date | time:
    """The Python value behind a date or time."""
    value = normalized(value)
    if isinstance(value, Instant | LocalDateTime | ZonedDateTime):
        return value.at
    if isinstance(value, date | time):
        return value
    raise TypeError(f"{type(value).__name__} is no date")


def full(value: object) -> datetime:
    """The Python value behind a date with a time."""
    at = moment(value)
    if not isinstance(at, datetime):
        raise TypeError(f"{type(value).__name__} has no time of day")
    return at


def nano(value: object) -> int:
    """The nanoseconds within the second."""
    value = normalized(value)
    if isinstance(value, Instant | LocalDateTime | ZonedDateTime | Duration):
        return value.nano
    return value.microsecond * 1000 if isinstance(value, time) else 0


def field(name: str) -> Method:
    """A method giving one field of a date or time."""
    return lambda value: getattr(moment(value), name)


def key(value: object) -> tuple[object, int]:
    """What dates are compared by."""
    return moment(value), nano(value)


def comparison(holds: Callable[[tuple[object, int], tuple[object, int]], bool]) -> Method:
    """A method comparing two dates of the same type."""

    def compare(value: object, other: object) -> bool:
        if type(normalized(value)) is not type(normalized(other)):
            raise Failure("Only dates of the same type can be compared.")
        return holds(key(value), key(other))

    return compare


def adder(unit: str, sign: int) -> Method:
    """A method moving a date by a number of units."""

    def add(value: object, amount: object) -> object:
        if not isinstance(amount, int) or isinstance(amount, bool):
            raise Failure("A whole number is expected as argument.")
        return add_units(normalized(value), sign * amount, unit)

    return add


def to_instant(value: object) -> Instant:
    """The point in time of a date with zone."""
    value = normalized(value)
    if isinstance(value, Instant):
        return value
    if isinstance(value, ZonedDateTime):
        return Instant(value.at.astimezone(UTC), value.nano)
    raise Failure("A date without zone is no point in time.")


def epoch_second(value: object) -> int:
    """Seconds since 1970."""
    return int(to_instant(value).at.timestamp())


def epoch_milli(value: object) -> int:
    """Milliseconds since 1970."""
    return epoch_second(value) * 1000 + nano(value) // 1_000_000


def at_zone(value: object, zone: object) -> ZonedDateTime:
    """The same instant, or the same wall clock, in a zone."""
    value = normalized(value)
    found = find_zone(str(zone))
    if isinstance(value, LocalDateTime):
        return ZonedDateTime(value.at.replace(tzinfo=found), value.nano)
    instant = to_instant(value)
    return ZonedDateTime(instant.at.astimezone(found), instant.nano)


def to_local(value: object) -> LocalDateTime:
    """Date and time of day, the zone left out."""
    return LocalDateTime(full(value).replace(tzinfo=None), nano(value))


def to_date(value: object) -> date:
    """The date, the time of day left out."""
    return full(value).date()


def to_time(value: object) -> time:
    """The time of day."""
    return full(value).time().replace(microsecond=nano(value) // 1000)


def duration(value: object) -> Duration:
    """The duration itself."""
    value = normalized(value)
    if not isinstance(value, Duration):
        raise TypeError(f"{type(value).__name__} is no duration")
    return value


COMMON: Final[dict[str, Method]] = {
    "toString": temporal_text,
    "isBefore": comparison(lambda a, b: a < b),
    "isAfter": comparison(lambda a, b: a > b),
    "isEqual": comparison(lambda a, b: a == b),
}
MOVES: Final[dict[str, Method]] = {
    f"{verb}{unit.title()}": adder(unit, sign)
    for verb, sign in (("plus", 1), ("minus", -1))
    for unit in UNITS
    if unit in ("NANOS", "MILLIS", "SECONDS", "MINUTES", "HOURS", "DAYS", "WEEKS", "MONTHS", "YEARS")
}
DATE: Final[dict[str, Method]] = {
    "getYear": field("year"),
    "getMonthValue": field("month"),
    "getDayOfMonth": field("day"),
    "getMonth": lambda value: MONTHS[moment(value).month - 1],  # type: ignore[union-attr]
    "getDayOfWeek": lambda value: DAYS[moment(value).weekday()],  # type: ignore[union-attr]
    "getDayOfYear": lambda value: moment(value).timetuple().tm_yday,  # type: ignore[union-attr]
}
TIME: Final[dict[str, Method]] = {
    "getHour": field("hour"),
    "getMinute": field("minute"),
    "getSecond": field("second"),
    "getNano": nano,
}
LOCAL: Final[dict[str, Method]] = {"toLocalDate": to_date, "toLocalTime": to_time, "atZone": at_zone}
INSTANT: Final[dict[str, Method]] = {
    **COMMON,
    **{name: method for name, method in MOVES.items() if name.endswith(("Nanos", "Millis", "Seconds"))},
    "getNano": nano,
    "getEpochSecond": epoch_second,
    "toEpochMilli": epoch_milli,
    "atZone": at_zone,
}
ZONED: Final[dict[str, Method]] = {
    **COMMON,
    **MOVES,
    **DATE,
    **TIME,
    "toLocalDate": to_date,
    "toLocalTime": to_time,
    "toLocalDateTime": to_local,
    "toInstant": to_instant,
    "toEpochSecond": epoch_second,
    "withZoneSameInstant": at_zone,
    "getZone": lambda value: zone_id(full(value)),
    "getOffset": lambda value: offset_text(offset_seconds(full(value)), minutes="seconds"),
}
DURATION: Final[dict[str, Method]] = {
    "toString": temporal_text,
    "getSeconds": lambda value: duration(value).seconds,
    "getNano": nano,
    "toMillis": lambda value: duration(value).seconds * 1000 + nano(value) // 1_000_000,
    "toSeconds": lambda value: duration(value).seconds,
    "toMinutes": lambda value: int(duration(value).seconds / 60),
    "toHours": lambda value: int(duration(value).seconds / 3600),
    "toDays": lambda value: int(duration(value).seconds / 86_400),
    "toNanos": lambda value: duration(value).seconds * NANOS + nano(value),
}


def methods_of(value: object) -> Mapping[str, Method]:
    """The methods a date, time or duration has."""
    match value:
        case Duration() | timedelta():
            return DURATION
        case Instant():
            return INSTANT
        case time():
            return COMMON | TIME
        case ZonedDateTime():
            return ZONED
        case datetime() if value.tzinfo is not None:
            return ZONED
        case LocalDateTime() | datetime():
            return COMMON | MOVES | DATE | TIME | LOCAL
        case _:
            return COMMON | DATE | {name: move for name, move in MOVES.items() if name.endswith(DAY_UNITS)}


DAY_UNITS: Final = ("Days", "Weeks", "Months", "Years")
