"""Cron: five or six fields, or a nickname, and the dates they name in a time zone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NAMES: Final[dict[str, dict[str, int]]] = {
    "month": {name: number for number, name in enumerate(MONTHS, 1)},
    "day of week": {name: number for number, name in enumerate(DAYS)},
}
BOUNDS: Final = {
    "second": (0, 59),
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
LONGEST_SEARCH: Final = timedelta(days=366 * 41)
"""29 February on a given day of the week may be forty years away, over a century that is no leap year."""
NEAR: Final = timedelta(hours=3)
"""No change of a zone's clock is larger; within it of a change, dates are told one by one."""


class InvalidCron(ValueError):
    """A text that is no cron expression."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"invalid cron expression '{text}': {reason}")


@dataclass(frozen=True, slots=True)
class Cron:
    """The values each field allows, sorted. ``either_day``: both day fields are narrowed, and one of them is enough."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    every_hour: bool
    """The hour is not narrowed: then an hour that the clock shows twice counts twice, else once."""

    def next(self, after: datetime, zone: tzinfo) -> datetime | None:
        """The first date after a moment, in UTC (times of one zone compare by its clock alone). None: there is none.

        A wall-clock time that a spring change skips comes later by the length of the gap. One that an autumn change
        repeats comes once, the first time, unless the hour is not narrowed.
        """
        local = after.astimezone(zone)
        wall = self._wall_after(_plain(local) + timedelta(seconds=1))
        if wall is not None and _steady(local, wall, zone):
            return wall.replace(tzinfo=zone).astimezone(UTC)
        return self._near_change(after.astimezone(UTC), zone, forward=True)

    def previous(self, before: datetime, zone: tzinfo) -> datetime | None:
        """The last date before a moment, in UTC. None when there is none."""
        local = before.astimezone(zone)
        start = _plain(local) - (timedelta() if local.microsecond else timedelta(seconds=1))
        wall = self._wall_before(start)
        if wall is not None and _steady(local, wall, zone):
            return wall.replace(tzinfo=zone).astimezone(UTC)
        return self._near_change(before.astimezone(UTC), zone, forward=False)

    def _near_change(self, moment: datetime, zone: tzinfo, *, forward: bool) -> datetime | None:
        best: datetime | None = None
        first: datetime | None = None
        local = _plain(moment.astimezone(zone))
        for wall in self._walls(local - NEAR if forward else local + NEAR, forward):
            if first is not None and abs(wall - first) > NEAR:
                break
            for found in self._instants(wall, zone):
                if (found <= moment) if forward else (found >= moment):
                    continue
                first = first or wall
                if best is None or (found < best if forward else found > best):
                    best = found
        return best

    def _walls(self, start: datetime, forward: bool) -> Iterator[datetime]:
        step = timedelta(seconds=1) if forward else timedelta(seconds=-1)
        wall = self._wall_after(start) if forward else self._wall_before(start)
        while wall is not None:
            yield wall
            wall = self._wall_after(wall + step) if forward else self._wall_before(wall + step)

    def _instants(self, wall: datetime, zone: tzinfo) -> Iterator[datetime]:
        first = wall.replace(tzinfo=zone).astimezone(UTC)
        yield first
        if self.every_hour:
            second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
            if second > first:
                yield second

    def _wall_after(self, start: datetime) -> datetime | None:
        """The first wall-clock time at or after one."""
        day, last = start.date(), _limit(start, LONGEST_SEARCH)
        found = self._time_after(start.hour, start.minute, start.second) if self._on(day) else None
        while found is None:
            following = self._day_after(day, last)
            if following is None:
                return None
            day, found = following, (self.hours[0], self.minutes[0], self.seconds[0])
        return datetime(day.year, day.month, day.day, *found)  # noqa: DTZ001 - a wall clock

    def _wall_before(self, start: datetime) -> datetime | None:
        """The last wall-clock time at or before one."""
        day, last = start.date(), _limit(start, -LONGEST_SEARCH)
        found = self._time_before(start.hour, start.minute, start.second) if self._on(day) else None
        while found is None:
            day -= timedelta(days=1)
            while not self._on(day):
                if day < last:
                    return None
                day = day.replace(day=1) if day.month not in self.months else day
                day -= timedelta(days=1)
            found = (self.hours[-1], self.minutes[-1], self.seconds[-1])
        return datetime(day.year, day.month, day.day, *found)  # noqa: DTZ001 - a wall clock

    def _day_after(self, day: date, last: date) -> date | None:
        if day >= date.max:
            return None
        day += timedelta(days=1)
        while not self._on(day):
            if day > last:
                return None
            if day.month not in self.months:
                day = day.replace(day=monthrange(day.year, day.month)[1])
            day += timedelta(days=1)
        return day

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        return in_month or in_week if self.either_day else in_month and in_week

    def _time_after(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        at_hour = bisect_left(self.hours, hour)
        if at_hour == len(self.hours):
            return None
        if self.hours[at_hour] > hour:
            return self.hours[at_hour], self.minutes[0], self.seconds[0]
        at_minute = bisect_left(self.minutes, minute)
        if at_minute < len(self.minutes) and self.minutes[at_minute] == minute:
            at_second = bisect_left(self.seconds, second)
            if at_second < len(self.seconds):
                return hour, minute, self.seconds[at_second]
            at_minute += 1
        if at_minute < len(self.minutes):
            return hour, self.minutes[at_minute], self.seconds[0]
        at_hour += 1
        return None if at_hour == len(self.hours) else (self.hours[at_hour], self.minutes[0], self.seconds[0])

    def _time_before(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        at_hour = bisect_right(self.hours, hour) - 1
        if at_hour < 0:
            return None
        if self.hours[at_hour] < hour:
            return self.hours[at_hour], self.minutes[-1], self.seconds[-1]
        at_minute = bisect_right(self.minutes, minute) - 1
        if at_minute >= 0 and self.minutes[at_minute] == minute:
            at_second = bisect_right(self.seconds, second) - 1
            if at_second >= 0:
                return hour, minute, self.seconds[at_second]
            at_minute -= 1
        if at_minute >= 0:
            return hour, self.minutes[at_minute], self.seconds[-1]
        at_hour -= 1
        return None if at_hour < 0 else (self.hours[at_hour], self.minutes[-1], self.seconds[-1])


def parse_cron(text: str, *, with_seconds: bool = False) -> Cron:
    """The cron of a text: five fields, six with seconds, or a nickname. InvalidCron says what is wrong."""
    written = text.strip()
    if written.startswith("@"):
        if written.lower() not in NICKNAMES:
            raise InvalidCron(text, f"the nickname is none of {', '.join(NICKNAMES)}")
        fields = ["0", *NICKNAMES[written.lower()].split()]
    else:
        fields = written.split()
        wanted = 6 if with_seconds else 5
        if len(fields) != wanted:
            hint = "" if with_seconds or len(fields) != 6 else "; a field for seconds needs `withSeconds: true`"
            raise InvalidCron(text, f"it has {len(fields)} fields, not {wanted}{hint}")
        if not with_seconds:
            fields = ["0", *fields]
    values = {name: _values(text, name, part) for (name, part) in zip(BOUNDS, fields, strict=True)}
    cron = Cron(
        seconds=tuple(sorted(values["second"])),
        minutes=tuple(sorted(values["minute"])),
        hours=tuple(sorted(values["hour"])),
        days=frozenset(values["day of month"]),
        months=frozenset(values["month"]),
        weekdays=frozenset(day % 7 for day in values["day of week"]),
        either_day=not fields[3].startswith("*") and not fields[5].startswith("*"),
        every_hour=fields[2].startswith("*") or len(values["hour"]) == 24,
    )
    if not cron.either_day and min(cron.days) > max(_longest(month) for month in cron.months):
        raise InvalidCron(text, "no month it names has that day")
    return cron


def _values(text: str, name: str, field: str) -> set[int]:
    low, high = BOUNDS[name]
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        if slash and (not step_text.isascii() or not step_text.isdigit() or int(step_text) == 0):
            raise InvalidCron(text, f"`{part}` in the field of the {name} has no step, write it as in */5")
        if span == "*":
            first, last = low, high
        else:
            begin, dash, end = span.partition("-")
            first = _number(text, name, begin)
            last = _number(text, name, end) if dash else high if slash else first
        if first > last:
            raise InvalidCron(text, f"the range `{span}` of the {name} ends before it begins")
        found.update(range(first, last + 1, int(step_text) if slash else 1))
    return found


def _number(text: str, name: str, word: str) -> int:
    low, high = BOUNDS[name]
    named = NAMES.get(name, {}).get(word.upper())
    if named is not None:
        return named
    if not word.isascii() or not word.isdigit():
        raise InvalidCron(text, f"`{word}` is no {name}")
    if not low <= int(word) <= high:
        raise InvalidCron(text, f"the {name} `{word}` is not between {low} and {high}")
    return int(word)


def _longest(month: int) -> int:
    return monthrange(2024, month)[1]


def _plain(local: datetime) -> datetime:
    return local.replace(tzinfo=None, microsecond=0, fold=0)


def _limit(start: datetime, distance: timedelta) -> date:
    try:
        return (start + distance).date()
    except OverflowError:
        return date.max if distance > timedelta() else date.min


def _steady(local: datetime, wall: datetime, zone: tzinfo) -> bool:
    """Whether the zone's clock changes neither near the moment asked from nor near the date found."""
    return _offset_near(local.astimezone(UTC), zone) and _offset_near(wall.replace(tzinfo=zone).astimezone(UTC), zone)


def _offset_near(moment: datetime, zone: tzinfo) -> bool:
    return (moment - NEAR).astimezone(zone).utcoffset() == (moment + NEAR).astimezone(zone).utcoffset()
