"""Flow: starts the flow after executions of other flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.condition.multiple_condition import MultipleCondition
from apps.workflows.builtin_plugins.trigger.preconditions import Preconditions
from apps.workflows.plugin_api.condition import Condition
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.time_window import Gathered
from apps.workflows.plugin_api.trigger import FlowListener


class Flow(FlowListener, Documented):
    """Start the flow after executions of other flows.

    It looks at each execution of the tenant that comes into one of the `states`, but for those of its own flow. With
    `preconditions` it waits until several executions have met them within a window of time.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Start when the flow before has succeeded, each day until nine.",
            """
id: silver_layer
namespace: company.team
tasks:
  - id: transform
    type: io.kestra.plugin.core.log.Log
    message: "After {{ trigger.executionId }}"
triggers:
  - id: after_bronze
    type: io.kestra.plugin.core.trigger.Flow
    preconditions:
      id: bronze_layer
      timeWindow:
        type: DAILY_TIME_DEADLINE
        deadline: "09:00:00"
      flows:
        - namespace: company.team
          flowId: bronze_layer
          states: [SUCCESS]
""",
        ),
        Example(
            "Tell of each failure in a namespace and all below it.",
            """
id: alert
namespace: system
tasks:
  - id: tell
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.namespace }}.{{ trigger.flowId }} is {{ trigger.state }}"
triggers:
  - id: on_failure
    type: io.kestra.plugin.core.trigger.Flow
    states: [FAILED, WARNING]
    preconditions:
      id: company
      where:
        - id: namespace
          filters:
            - field: NAMESPACE
              type: STARTS_WITH
              value: company
""",
        ),
    )

    preconditions: Preconditions | None = Field(
        default=None, title="What several executions must have come to, within a window of time."
    )

    def check(self) -> list[str]:
        return [] if self.preconditions is None else self.preconditions.check()

    def gathered(self) -> Sequence[Gathered]:
        found = [condition.gathered() for condition in self.conditions if isinstance(condition, MultipleCondition)]
        if self.preconditions is not None and (self.preconditions.flows or self.preconditions.where):
            found.append(self.preconditions.gathered())
        return found

    def plain_conditions(self) -> Sequence[Condition]:
        return [condition for condition in self.conditions if not isinstance(condition, MultipleCondition)]
