"""DateTimeBetween: whether a date lies between two others."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.condition.date_condition import DateCondition, read_moment
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example


class DateTimeBetween(DateCondition, Documented):
    """Whether a date lies after one and before another."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only in the first half of 2026.",
            """
id: date_time_between
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
      - type: io.kestra.plugin.core.condition.DateTimeBetween
        after: "2026-01-01T00:00:00Z"
        before: "2026-07-01T00:00:00Z"
""",
        ),
    )

    after: str | None = Field(default=None, title="The date must be later; rendered.")
    before: str | None = Field(default=None, title="The date must be earlier; rendered.")

    def check(self) -> list[str]:
        return ["Invalid condition with no before nor after"] if self.after is None and self.before is None else []

    def holds(self, asked: Asked) -> bool:
        moment = self.moment(asked)
        if self.after is not None and moment <= self._bound(asked, self.after, "after"):
            return False
        return self.before is None or moment < self._bound(asked, self.before, "before")

    def _bound(self, asked: Asked, written: str, name: str) -> datetime:
        return read_moment(asked.renderer.render(written), name)
