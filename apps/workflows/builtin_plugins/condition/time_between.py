"""TimeBetween: whether the time of a date lies between two others."""

from __future__ import annotations

from datetime import time, timedelta
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.condition.date_condition import DateCondition
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example


class TimeBetween(DateCondition, Documented):
    """Whether the time of day of a date lies after one and before another."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only during the day.",
            """
id: time_between
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: daily
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 9 * * *"
    conditions:
      - type: io.kestra.plugin.core.condition.TimeBetween
        after: "06:00:00+00:00"
        before: "20:00:00+00:00"
""",
        ),
    )

    after: str | None = Field(default=None, title="The time must be later; rendered.")
    before: str | None = Field(default=None, title="The time must be earlier; rendered.")

    def check(self) -> list[str]:
        return ["Invalid condition with no before nor after"] if self.after is None and self.before is None else []

    def holds(self, asked: Asked) -> bool:
        here = _since_midnight(self.moment(asked).timetz())
        if self.after is not None and here <= _bound(asked.renderer.render(self.after)):
            return False
        return self.before is None or here < _bound(asked.renderer.render(self.before))


def _bound(written: str) -> timedelta:
    try:
        return _since_midnight(time.fromisoformat(written.strip()))
    except ValueError as error:
        raise ValueError(f"`{written}` is not a time of day, write it as in 09:00:00+02:00") from error


def _since_midnight(held: time) -> timedelta:
    """What lies between a time and midnight in UTC: so are two times with offsets compared."""
    local = timedelta(hours=held.hour, minutes=held.minute, seconds=held.second, microseconds=held.microsecond)
    return local - (held.utcoffset() or timedelta())
