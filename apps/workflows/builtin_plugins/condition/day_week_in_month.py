"""DayWeekInMonth: whether a date is the first, second, … or last of a day of the week in its month."""

from __future__ import annotations

from calendar import monthrange
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import Field

from apps.workflows.builtin_plugins.condition.date_condition import DAYS, DateCondition, DayOfWeek
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example


class DayInMonth(StrEnum):
    """Which of the days of that name in a month."""

    FIRST = "FIRST"
    SECOND = "SECOND"
    THIRD = "THIRD"
    FOURTH = "FOURTH"
    LAST = "LAST"


NUMBERED: Final = (DayInMonth.FIRST, DayInMonth.SECOND, DayInMonth.THIRD, DayInMonth.FOURTH)


class DayWeekInMonth(DateCondition, Documented):
    """Whether a date is the first, second, third, fourth or last of a day of the week in its month."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only on the last Friday of the month.",
            """
id: day_week_in_month
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
      - type: io.kestra.plugin.core.condition.DayWeekInMonth
        dayOfWeek: FRIDAY
        dayInMonth: LAST
""",
        ),
    )

    day_of_week: DayOfWeek = Field(title="The day of the week.")
    day_in_month: DayInMonth = Field(title="Which of the month's.")

    def holds(self, asked: Asked) -> bool:
        moment = self.moment(asked)
        if DAYS[moment.weekday()] != self.day_of_week:
            return False
        if self.day_in_month is DayInMonth.LAST:
            return moment.day + 7 > monthrange(moment.year, moment.month)[1]
        return (moment.day - 1) // 7 == NUMBERED.index(self.day_in_month)
