"""Values as people read them on pages: durations, times, counts, states as words."""

import json
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.common.clock import now
from apps.common.markdown import render_markdown

THIN_SPACE: Final = "\u202f"
DATE_FORMS: Final = {
    "": ("%d %b %Y", ", %H:%M:%S"),
    "iso": ("%Y-%m-%d", " %H:%M:%S"),
    "european": ("%d.%m.%Y", " %H:%M:%S"),
    "american": ("%m/%d/%Y", ", %I:%M:%S %p"),
}
"""Day and clock as a person may choose to read them; the first is the product's own."""
date_form: ContextVar[str] = ContextVar("date_form", default="")
"""Set for a page by the middleware of console, as Django's time zone is."""
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def thousands(number: int) -> str:
    """12300 → 12 300, with a narrow space that does not break."""
    return f"{number:,}".replace(",", THIN_SPACE)


def duration(value: timedelta | int | float | None) -> str:
    """A timedelta or milliseconds: 380 ms, 12.1 s, 1 min 08 s, 2 h 05 min, 3 d 4 h. Empty for None."""
    if value is None:
        return ""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value / 1000
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 59.95 else "1 min 00 s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def ago(moment: datetime, reference: datetime | None = None) -> str:
    """just now, 2 min ago, in 3 h; beyond thirty days the date."""
    seconds = ((reference or now()) - moment).total_seconds()
    distance = abs(seconds)
    if distance < 10:
        return "just now"
    if distance >= 30 * 86_400:
        return f"{local(moment):{DATE_FORMS[date_form.get()][0]}}"
    number, unit = int(distance), "s"
    for size, name in _UNITS:
        if distance >= size:
            number, unit = int(distance // size), name
            break
    return f"{number} {unit} ago" if seconds > 0 else f"in {number} {unit}"


def exact(moment: datetime, zone: str = "") -> str:
    """22 Nov 2026, 09:14:02 UTC: in the reader's zone and form, unless a zone is given."""
    day, clock = DATE_FORMS[date_form.get()]
    shown = moment.astimezone(ZoneInfo(zone)) if zone else local(moment)
    return f"{shown:{day}{clock}} {zone or zone_name()}"


def local(moment: datetime) -> datetime:
    """The moment on the reader's clock: in the zone of his settings, UTC without."""
    return moment.astimezone(timezone.get_current_timezone())


def zone_name() -> str:
    """As people know it: Europe/Oslo, UTC."""
    return str(timezone.get_current_timezone())


def iso(moment: datetime) -> str:
    """For the `datetime` attribute of <time>, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def state_word(state: str) -> str:
    """FAILED → Failed: a state as people read it."""
    return str(state).capitalize()


def file_size(size: int) -> str:
    """1536 → 1.5 KB."""
    amount = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes everything")


def plural(count: int, one: str, many: str = "") -> str:
    """1 flow, 2 flows."""
    return f"{thousands(count)} {one if count == 1 else many or one + 's'}"


def safe_link(address: str) -> str:
    """An address that a link may lead to: http, https, mailto, or within this site; # for anything else."""
    text = str(address).strip()
    try:
        parts = urlsplit(text)
    except ValueError:  # what looks like a broken IPv6 address
        return "#"
    if parts.scheme in {"http", "https", "mailto"} or (not parts.scheme and not parts.netloc and not _odd(text)):
        return text
    return "#"


def _odd(text: str) -> bool:
    """What browsers read as another site, though it has no scheme: //host, \\\\host."""
    return text.startswith(("//", "/\\", "\\")) or any(ord(sign) < 32 for sign in text)


def host_of(address: str) -> str:
    """The host of an address; what stands for this site itself otherwise."""
    return urlsplit(safe_link(address)).netloc or "the next page"


def pretty_json(value: Any) -> str:
    """A value as JSON over several lines."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


FILTERS: Final[dict[str, Any]] = {
    "markdown": render_markdown,
    "safe_link": safe_link,
    "host_of": host_of,
    "pretty_json": pretty_json,
    "thousands": thousands,
    "duration": duration,
    "ago": ago,
    "exact": exact,
    "local": local,
    "iso": iso,
    "state_word": state_word,
    "file_size": file_size,
    "plural": plural,
}
