"""JSON that PostgreSQL takes: no NUL, no lone surrogate, no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.model import PluginModel

REPLACEMENT = "\ufffd"


def dump(value: Any) -> str:
    """The value as JSON text for a jsonb column. Texts that jsonb refuses get replacement characters."""
    try:
        text = _encode(value)
        # jsonb refuses both escapes; the slow way is taken only when one may be there.
        if "\\u0000" in text or "\\ud" in text:
            text = _encode(clean(value))
    except ValueError:  # NaN or infinity
        text = _encode(clean(value))
    return text


def parse(held: str | None) -> Any:
    """The value of a jsonb column as a raw cursor gives it: Django hands jsonb out as text."""
    return None if held is None else json.loads(held)


def _encode(value: Any) -> str:
    return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, PluginModel):
        return value.to_json()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def clean(value: Any) -> Any:
    """A copy of the tree without what jsonb refuses."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(_plain(value))


def clean_text(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL stores in no text column."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds and ``Z``, as histories are stored."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"
