"""DayWeek: whether a date is a given day of the week."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.condition.date_condition import DAYS, DateCondition, DayOfWeek
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example


class DayWeek(DateCondition, Documented):
    """Whether a date is a given day of the week."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only on Mondays.",
            """
id: day_week
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
      - type: io.kestra.plugin.core.condition.DayWeek
        dayOfWeek: MONDAY
""",
        ),
    )

    day_of_week: DayOfWeek = Field(title="The day of the week.")

    def holds(self, asked: Asked) -> bool:
        return DAYS[self.moment(asked).weekday()] == self.day_of_week

    def seen(self, asked: Asked) -> str:
        return DAYS[self.moment(asked).weekday()]
