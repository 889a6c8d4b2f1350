"""JSON of row values: numbers exact, dates as ISO 8601, bytes as base64."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any


def json_of(value: Any, zone: tzinfo | None = None) -> str:
    """Compact JSON, nulls kept; dates with a zone are shown in ``zone`` when it is given."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(str(key))}:{json_of(item, zone)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(json_of(item, zone) for item in value) + "]"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _scalar(value, zone)


def _scalar(value: Any, zone: tzinfo | None) -> str:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else _text(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        return _text(str(value))
    if isinstance(value, int | float):
        return json.dumps(value)
    if isinstance(value, datetime):
        local = value if zone is None or value.tzinfo is None else value.astimezone(zone)
        return _text(local.isoformat().replace("+00:00", "Z"))
    if isinstance(value, date | time):
        return _text(value.isoformat())
    return _text(base64.b64encode(value).decode() if isinstance(value, bytes) else str(value))


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
