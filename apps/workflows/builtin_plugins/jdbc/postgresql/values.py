"""How values of PostgreSQL come to flows where psycopg's own way is another."""

from __future__ import annotations

import re
from typing import Any

from psycopg import Connection
from psycopg.adapt import Buffer, Loader
from psycopg.types.string import TextLoader

_AS_TEXT = ("inet", "cidr", "macaddr", "macaddr8", "money", "uuid", "xml", "bit", "varbit", "timetz")
_RANGES = ("int4", "int8", "num", "date", "ts", "tstz")
_PART = re.compile(r"([+-]?\d+) (year|mon|day)s?")
_CLOCK = re.compile(r"([+-]?)(\d+):(\d+):(\d+(?:\.\d+)?)$")


class IntervalLoader(Loader):
    """An interval as PostgreSQL counts it, months and days apart: ``P1Y2M3DT4H5M6.5S``."""

    def load(self, data: Buffer) -> str:
        return interval_text(bytes(data).decode())


def interval_text(text: str) -> str:
    """``1 year 2 mons -3 days +04:05:06.5`` as ISO 8601 with all its parts. The text itself when it is another."""
    parts = {"year": 0, "mon": 0, "day": 0}
    rest = text
    for found in _PART.finditer(text):
        parts[found[2]] = int(found[1])
        rest = text[found.end() :]
    clock = _CLOCK.search(rest)
    if clock is None and rest.strip():
        return text
    sign = "-" if clock is not None and clock[1] == "-" else ""
    hours, minutes, seconds = ("0", "0", "0") if clock is None else (clock[2], clock[3], clock[4])
    seconds = seconds.lstrip("0").rstrip("0").rstrip(".") if "." in seconds else str(int(seconds))
    seconds = "0" + seconds if seconds[:1] in ("", ".") else seconds
    timed = "".join(
        f"{sign if float(number) else ''}{number}{unit}"
        for number, unit in ((str(int(hours)), "H"), (str(int(minutes)), "M"), (seconds, "S"))
    )
    return f"P{parts['year']}Y{parts['mon']}M{parts['day']}DT{timed}"


def register_loaders(connection: Connection[Any]) -> None:
    """On this connection alone."""
    adapters = connection.adapters
    adapters.register_loader("interval", IntervalLoader)
    ranges = [f"{name}range" for name in _RANGES] + [f"{name}multirange" for name in _RANGES]
    for name in (*_AS_TEXT, *ranges, "record"):
        if adapters.types.get(name) is not None:
            adapters.register_loader(name, TextLoader)
