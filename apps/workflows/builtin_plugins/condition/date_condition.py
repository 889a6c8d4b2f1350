"""DateCondition: what the conditions about a date share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition

_ZONE_NAME: Final = re.compile(r"\[[^\]]*\]$")


class DayOfWeek(StrEnum):
    """A day of the week."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


DAYS: Final = tuple(DayOfWeek)
"""In the order of ``date.weekday()``."""


class DateCondition(Condition):
    """A condition about a date, the date of the trigger when no other is given."""

    on_schedule: ClassVar[bool] = True

    date: str = Field(default="{{ trigger.date }}", title="The date; rendered.")

    def moment(self, asked: Asked) -> datetime:
        """The rendered date. ValueError when it is none."""
        return read_moment(asked.renderer.render(self.date), "date")

    def seen(self, asked: Asked) -> str:
        return self.moment(asked).isoformat()


def read_moment(text: Any, name: str) -> datetime:
    """A date with a zone, or a day, which begins in UTC. ValueError."""
    if isinstance(text, datetime):
        found = text
    else:
        try:
            found = datetime.fromisoformat(_ZONE_NAME.sub("", str(text).strip()))
        except ValueError as error:
            raise ValueError(f"`{name}` is `{text}`, which is no date; write it as in 2025-01-31T10:15:00Z") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
