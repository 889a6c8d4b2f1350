"""ExecutionFlow: whether an execution is one of a given flow."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class ExecutionFlow(Condition, Documented):
    """Whether the execution is one of a given flow."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After a flow.",
            """
id: execution_flow
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionFlow
        namespace: company.team
        flowId: load
""",
        ),
    )

    namespace: str = Field(title="Namespace of the flow.")
    flow_id: str = Field(title="Id of the flow.")

    def holds(self, asked: Asked) -> bool:
        source = asked.source()
        return not self.excludes(source.namespace, source.flow_id)

    def seen(self, asked: Asked) -> str:
        return f"{asked.source().namespace}.{asked.source().flow_id}"

    def excludes(self, namespace: str, flow_id: str) -> bool:
        return (self.namespace, self.flow_id) != (namespace, flow_id)
