"""FlowNamespaceCondition: whether the flow that would start belongs to a namespace."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class FlowNamespaceCondition(Condition, Documented):
    """Whether the flow that would be started belongs to a namespace."""

    deprecated: ClassVar[bool] = True
    on_schedule: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "For flows of old.",
            """
id: flow_namespace_condition
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.FlowNamespaceCondition
        namespace: company
        prefix: true
""",
        ),
    )

    namespace: str = Field(title="The namespace, or its beginning.")
    prefix: bool = Field(default=False, title="Whether a beginning is enough.")

    def holds(self, asked: Asked) -> bool:
        return asked.namespace.startswith(self.namespace) if self.prefix else asked.namespace == self.namespace

    def seen(self, asked: Asked) -> str:
        return asked.namespace
