"""FlowCondition: whether the flow that would start is a given one."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class FlowCondition(Condition, Documented):
    """Whether the flow that would be started is a given one."""

    deprecated: ClassVar[bool] = True
    on_schedule: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "For flows of old.",
            """
id: flow_condition
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.FlowCondition
        namespace: company.team
        flowId: flow_condition
""",
        ),
    )

    namespace: str = Field(title="Namespace of the flow.")
    flow_id: str = Field(title="Id of the flow.")

    def holds(self, asked: Asked) -> bool:
        return (asked.namespace, asked.flow_id) == (self.namespace, self.flow_id)

    def seen(self, asked: Asked) -> str:
        return f"{asked.namespace}.{asked.flow_id}"
