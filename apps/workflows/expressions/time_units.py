"""Moving dates by units: days, hours, months …"""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Final

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.temporal import NANOS, Instant, LocalDateTime, ZonedDateTime, wall_clock

# Units of fixed length on the time line, in nanoseconds.
EXACT: Final = {
    "NANOS": 1,
    "MICROS": 1000,
    "MILLIS": 1_000_000,
    "SECONDS": NANOS,
    "MINUTES": 60 * NANOS,
    "HOURS": 3600 * NANOS,
    "HALF_DAYS": 43_200 * NANOS,
}
# Units of the calendar: these keep the wall clock, also across a change to summer time.
CALENDAR_DAYS: Final = {"DAYS": 1, "WEEKS": 7}
CALENDAR_MONTHS: Final = {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12_000}
UNITS: Final = (*EXACT, *CALENDAR_DAYS, *CALENDAR_MONTHS)


def add_units(value: object, amount: int, unit: str) -> object:
    """The date `amount` units later; the day is clamped to the end of the month."""
    if unit not in UNITS:
        raise Failure(f"No enum constant java.time.temporal.ChronoUnit.{unit}")
    try:
        match value:
            case Instant(at, nano):
                at, nano = move(at, nano, amount, unit)
                return Instant(at, nano)
            case LocalDateTime(at, nano):
                at, nano = move(at, nano, amount, unit)
                return LocalDateTime(at, nano)
            case ZonedDateTime(at, nano) if unit in EXACT:
                moved, nano = move(at.astimezone(UTC), nano, amount, unit)
                return ZonedDateTime(moved.astimezone(at.tzinfo), nano)
            case ZonedDateTime(at, nano):
                moved, nano = move(at, nano, amount, unit)
                return ZonedDateTime(settle(moved), nano)
            case date() if unit not in EXACT:
                midnight = wall_clock(value.year, value.month, value.day)
                return move(midnight, 0, amount, unit)[0].date()
    except (OverflowError, ValueError):
        raise Failure("The date is out of range.") from None
    raise Failure(f"Unsupported unit: {unit.title()}")


def move(at: datetime, nano: int, amount: int, unit: str) -> tuple[datetime, int]:
    """The wall clock `amount` units later."""
    if unit in EXACT:
        total = nano + amount * EXACT[unit]
        return at + timedelta(seconds=total // NANOS), total % NANOS
    if unit in CALENDAR_DAYS:
        return at + timedelta(days=amount * CALENDAR_DAYS[unit]), nano
    months = at.year * 12 + at.month - 1 + amount * CALENDAR_MONTHS[unit]
    year, month = months // 12, months % 12 + 1
    if not 1 <= year <= 9999:
        raise OverflowError
    day = min(at.day, calendar.monthrange(year, month)[1])
    return at.replace(year=year, month=month, day=day), nano


def settle(at: datetime) -> datetime:
    """A wall clock that a change to summer time skips moves on by the gap."""
    return at.astimezone(UTC).astimezone(at.tzinfo)
