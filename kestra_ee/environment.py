"""Values of the process's environment. A wrong one is said at the start, without showing it."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import isodate
import yaml
from django.core.exceptions import ImproperlyConfigured


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def env_flag(name: str, default: bool = False) -> bool:
    return env(name, "true" if default else "false").lower() in {"1", "true", "yes", "on"}


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


def env_duration(name: str, default: str) -> float:
    """An ISO duration such as P7D or PT12H, in seconds. Raises ImproperlyConfigured."""
    try:
        found = isodate.parse_duration(env(name, default), as_timedelta_if_possible=True)
    except isodate.ISO8601Error:
        found = None
    if not isinstance(found, timedelta) or found <= timedelta(0):
        raise ImproperlyConfigured(f"{name} must be an ISO duration such as {default}, in days or less.")
    return found.total_seconds()


def env_json(name: str) -> dict[str, Any]:
    """A JSON object. Raises ImproperlyConfigured; the value is not shown, it may hold credentials."""
    try:
        found = json.loads(env(name, "{}"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f'{name} must be a JSON object such as {{"basePath": "/data"}}.')
    return found


def env_plugin_defaults(name: str) -> list[dict[str, Any]]:
    """A YAML list of `type`, `values` and `forced`, or the path (it begins with `/`) of a file that holds one.

    Raises ImproperlyConfigured; values are not shown, they may hold credentials.
    """
    text = env(name)
    try:
        found = yaml.safe_load(Path(text).read_text() if text.startswith("/") else text) or []
        json.dumps(found)  # a date without quotes is none in JSON, and so in no flow
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from error
    except (yaml.YAMLError, TypeError) as error:
        raise ImproperlyConfigured(f"{name} must be YAML, with dates in quotes.") from error
    fits = isinstance(found, list) and all(
        isinstance(entry, dict)
        and entry.keys() <= {"type", "values", "forced"}
        and isinstance(entry.get("type"), str)
        and isinstance(entry.get("values"), dict)
        and isinstance(entry.get("forced", False), bool)
        for entry in found
    )
    if not fits:
        raise ImproperlyConfigured(f"{name} must be a list of maps with `type`, `values` and, if need be, `forced`.")
    return list(found)
