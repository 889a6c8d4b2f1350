"""Or: whether at least one of some conditions holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import AnyCondition, Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class Or(Condition, Documented):
    """Whether at least one of some conditions holds."""

    on_schedule: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "On Mondays and on public holidays.",
            """
id: or
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
      - type: io.kestra.plugin.core.condition.Or
        conditions:
          - type: io.kestra.plugin.core.condition.DayWeek
            dayOfWeek: MONDAY
          - type: io.kestra.plugin.core.condition.PublicHoliday
            country: FR
""",
        ),
    )

    conditions: list[AnyCondition] = Field(min_length=1, title="The conditions.")

    def holds(self, asked: Asked) -> bool:
        return any(condition.holds(asked) for condition in self.conditions)

    def parts(self) -> Sequence[Condition]:
        return self.conditions

    def excludes(self, namespace: str, flow_id: str) -> bool:
        return all(condition.excludes(namespace, flow_id) for condition in self.conditions)
