"""The words and weeks of a language, as dates show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

from apps.workflows.expressions.errors import Failure


@dataclass(frozen=True)
class Names:
    """The words of a language; days start with Monday."""

    months: tuple[str, ...]
    months_short: tuple[str, ...]
    days: tuple[str, ...]
    days_short: tuple[str, ...]
    halves: tuple[str, str]
    eras: tuple[str, str] = ("BC", "AD")
    eras_long: tuple[str, str] = ("Before Christ", "Anno Domini")
    # Monday is 0: the week of the United States starts on Sunday and its first may have a single day.
    first_weekday: int = 6
    least_days: int = 1


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ENGLISH: Final = Names(
    words("January February March April May June July August September October November December"),
    words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
    words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    words("Mon Tue Wed Thu Fri Sat Sun"),
    ("AM", "PM"),
)


def is_english(locale: str | None) -> bool:
    """Whether the built-in words do."""
    return locale is None or locale.replace("-", "_") in ("en", "en_US")


def find_locale(locale: str) -> Locale:
    """The language by its tag; raises Failure."""
    try:
        return Locale.parse(locale.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        raise Failure(f"Unknown locale: {locale}") from None


@lru_cache(maxsize=32)
def names_of(locale: str | None) -> Names:
    """The words of a language by its tag."""
    if locale is None or is_english(locale):
        return ENGLISH
    found = find_locale(locale)
    months, days = found.months["format"], found.days["format"]
    periods = found.day_periods["format"]["abbreviated"]
    return Names(
        tuple(months["wide"][index] for index in range(1, 13)),
        tuple(months["abbreviated"][index] for index in range(1, 13)),
        tuple(days["wide"][index] for index in range(7)),
        tuple(days["abbreviated"][index] for index in range(7)),
        (periods.get("am", "AM"), periods.get("pm", "PM")),
        (found.eras["abbreviated"][0], found.eras["abbreviated"][1]),
        (found.eras["wide"][0], found.eras["wide"][1]),
        found.first_week_day,
        found.min_week_days,
    )


def local_weekday(at: datetime, names: Names) -> int:
    """The day of the week, counted from the first of the locale, 1 to 7."""
    return (at.weekday() - names.first_weekday) % 7 + 1


def week_of_year(at: datetime, names: Names) -> tuple[int, int]:
    """The year and the week in it, by the locale's rules."""
    for candidate in (at.year + 1, at.year, at.year - 1):
        start = first_week(at.replace(year=1, month=1, day=1, tzinfo=None), candidate, names)
        if start is not None and at.replace(tzinfo=None, hour=0, minute=0, second=0) >= start:
            return candidate, (at.replace(tzinfo=None) - start).days // 7 + 1
    return at.year, 1


def first_week(base: datetime, year: int, names: Names) -> datetime | None:
    """When the first week of a year starts; None beyond Python's calendar."""
    try:
        january = base.replace(year=year, hour=0, minute=0, second=0)
        back = local_weekday(january, names) - 1
        start = january - timedelta(days=back)
        return start if 7 - back >= names.least_days else start + timedelta(days=7)
    except (ValueError, OverflowError):
        return None
