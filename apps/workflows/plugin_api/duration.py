"""ISO 8601 durations as flows write them; a bare number means seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import isodate
from pydantic import BeforeValidator, PlainSerializer


def parse_duration(value: Any) -> timedelta:
    """``PT5S``, ``P1D``, ``12`` or ``"1.5"`` (seconds) as a timedelta. ValueError when it is none of these.

    Months and years have no fixed length; as in Kestra they are refused.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, bool):
        raise ValueError(f"`{value}` is not a duration, write it as in PT30S")
    text = str(value).strip()
    try:
        return timedelta(seconds=float(text))
    except OverflowError as error:
        raise ValueError(f"`{text}` is too long for a duration") from error
    except ValueError:
        pass
    try:
        parsed = isodate.parse_duration(text)
    except (isodate.ISO8601Error, ValueError, OverflowError) as error:
        raise ValueError(f"`{text}` is not a duration, write it as in PT30S") from error
    if not isinstance(parsed, timedelta):
        raise ValueError(f"`{text}` has months or years, which have no fixed length")
    return parsed


def format_duration(value: timedelta) -> str:
    """The duration as Java writes it: ``PT1M30S``, ``PT0S``, ``PT36H``, ``PT0.5S``."""
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, fraction = divmod(micros, 1_000_000)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    text = ""
    if hours:
        text += f"{sign}{hours}H"
    if minutes:
        text += f"{sign}{minutes}M"
    if seconds or fraction or not text:
        digits = f"{fraction:06d}".rstrip("0")
        text += f"{sign}{seconds}" + (f".{digits}" if digits else "") + "S"
    return "PT" + text


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)]
