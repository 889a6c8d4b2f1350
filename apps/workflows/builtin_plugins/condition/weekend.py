"""Weekend: whether a date is a Saturday or a Sunday."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.condition.date_condition import DAYS, DateCondition
from apps.workflows.plugin_api.condition import Asked
from apps.workflows.plugin_api.documented import Documented, Example


class Weekend(DateCondition, Documented):
    """Whether a date is a Saturday or a Sunday."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Not at weekends.",
            """
id: weekend
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
      - type: io.kestra.plugin.core.condition.Not
        conditions:
          - type: io.kestra.plugin.core.condition.Weekend
""",
        ),
    )

    def holds(self, asked: Asked) -> bool:
        return self.moment(asked).weekday() >= 5

    def seen(self, asked: Asked) -> str:
        return DAYS[self.moment(asked).weekday()]
