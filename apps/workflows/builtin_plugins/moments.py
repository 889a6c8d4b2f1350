"""Moments: dates with a zone, as properties give them."""

from __future__ import annotations

import re
from datetime import datetime

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

_ZONE_NAME = re.compile(r"\[[^\]]*\]$")


def moment(context: RunContext, template: str, property_name: str) -> datetime:
    """The rendered date, with its zone. TaskFailed when it is no date, or has none."""
    text = context.render(template).strip()
    try:
        found = datetime.fromisoformat(_ZONE_NAME.sub("", text))
    except ValueError as error:
        raise TaskFailed(f"`{property_name}` is `{text}`, write it as in 2025-01-31T10:15:00Z") from error
    if found.tzinfo is None:
        raise TaskFailed(f"`{property_name}` is `{text}`, which has no zone; write it as in 2025-01-31T10:15:00Z")
    return found


def optional_moment(context: RunContext, template: str | None, property_name: str) -> datetime | None:
    """As ``moment``; None when nothing is given."""
    return None if template is None else moment(context, template, property_name)
