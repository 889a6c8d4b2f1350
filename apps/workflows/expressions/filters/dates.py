"""Filters on dates."""

from datetime import UTC, date, datetime, time, tzinfo

from apps.workflows.expressions import date_formats, temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.operation import Operation, filters
from apps.workflows.expressions.temporal import NANOS, Instant, LocalDateTime, ZonedDateTime, find_zone
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.time_units import add_units


def format_date(value: object, format: object, time_zone: object, existing_format: object, locale: object) -> str:
    """A date as text, shifted to a zone."""
    moment = to_zoned(value, time_zone, existing_format, locale)
    return date_formats.format_moment(moment, optional(format) or "iso", optional(locale))


def optional(value: object) -> str | None:
    """An argument that may be left out."""
    return None if value is None else plain_text(value)


def zone_of(time_zone: object) -> tzinfo:
    """The zone asked for, else the server's."""
    return temporal.SERVER_ZONE if time_zone is None else find_zone(plain_text(time_zone))


def to_zoned(value: object, time_zone: object, existing_format: object, locale: object) -> ZonedDateTime:
    """Anything that can be a date, in a zone."""
    zone = zone_of(time_zone)
    if isinstance(value, str):
        value = date_formats.parse_moment(value, optional(existing_format), optional(locale), zone)
    found = temporal.normalized(value)
    try:
        match found:
            case ZonedDateTime(at, nano):
                return ZonedDateTime(at.astimezone(zone), nano)
            case Instant(at, nano):
                return ZonedDateTime(at.astimezone(zone), nano)
            case LocalDateTime(at, nano):
                return ZonedDateTime(at.replace(tzinfo=zone), nano)
            case date():
                # A date that comes as such, not as text, is taken at noon.
                return ZonedDateTime(datetime.combine(found, time(12), zone))
            case int() if not isinstance(found, bool):
                return ZonedDateTime(datetime.fromtimestamp(found, UTC).astimezone(zone))
    except (OverflowError, ValueError, OSError):
        raise Failure("The date is out of range.") from None
    raise Failure("The 'date' filter expects a date, the seconds of one, or a text with one.")


def date_(
    value: object,
    format: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """The date as text. `format` is a pattern like `yyyy-MM-dd HH:mm` or a name like `iso`, `sql`, `iso_local_date`.

    Example: {{ '2013-09-08T16:19:12Z' | date('dd/MM/yyyy HH:mm', timeZone='Europe/Paris') }} → 08/09/2013 18:19
    Example: {{ 'July 24, 2001' | date('yyyy-MM-dd', existingFormat='MMMM dd, yyyy') }} → 2001-07-24
    """
    return format_date(value, format, time_zone, existing_format, locale)


def date_add(
    value: object,
    amount: object = None,
    unit: object = None,
    format: object = None,
    time_zone: object = None,
    existing_format: object = None,
    locale: object = None,
) -> object:
    """The date some units later, as text.

    Units are DAYS, HOURS, MINUTES, SECONDS, MILLIS, WEEKS, MONTHS, YEARS and longer ones.

    Example: {{ '2024-01-31T10:00:00Z' | dateAdd(1, 'MONTHS', 'iso_sec') }} → 2024-02-29T10:00:00Z
    """
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise Failure("The 'dateAdd' filter expects an argument 'amount' that is a whole number.")
    if unit is None:
        raise Failure("The 'dateAdd' filter expects an argument 'unit'.")
    moved = add_units(to_zoned(value, time_zone, existing_format, locale), amount, plain_text(unit))
    return format_date(moved, format, time_zone, existing_format, locale)


def epoch(value: object, time_zone: object, existing_format: object) -> tuple[int, int]:
    """Seconds since 1970, and the nanoseconds within the second."""
    moment = to_zoned(value, time_zone, existing_format, None)
    return int(moment.at.timestamp()), moment.nano


def timestamp(value: object, existing_format: object = None, time_zone: object = None) -> object:
    """The seconds since 1970.

    Example: {{ '2024-01-01T00:00:00Z' | timestamp }} → 1704067200
    """
    return epoch(value, time_zone, existing_format)[0]


def timestamp_nano(value: object, existing_format: object = None, time_zone: object = None) -> object:
    """The nanoseconds since 1970.

    Example: {{ '2024-01-01T00:00:00Z' | timestampNano }} → 1704067200000000000
    """
    seconds, nano = epoch(value, time_zone, existing_format)
    return seconds * NANOS + nano


def timestamp_micro(value: object, existing_format: object = None, time_zone: object = None) -> object:
    """Seconds times a thousand millions, plus the microseconds: the original's arithmetic, kept as flows rely on it.

    Example: {{ '2024-01-01T00:00:00Z' | timestampMicro }} → 1704067200000000000
    """
    seconds, nano = epoch(value, time_zone, existing_format)
    return seconds * NANOS + nano // 1000


FILTERS: dict[str, Operation] = filters(
    {
        "date": date_,
        "dateAdd": date_add,
        "timestamp": timestamp,
        "timestampNano": timestamp_nano,
        "timestampMicro": timestamp_micro,
    }
)
