"""ExecutionLabels: whether an execution has some labels."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.labels import Labels


class ExecutionLabels(Condition, Documented):
    """Whether the execution has all of some labels."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After executions for a customer.",
            """
id: execution_labels
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionLabels
        labels:
          customer: acme
""",
        ),
    )

    labels: Labels = Field(title="The labels.")

    def holds(self, asked: Asked) -> bool:
        return {(label.key, label.value) for label in self.labels} <= set(asked.source().labels)

    def seen(self, asked: Asked) -> str:
        return ", ".join(f"{key}:{value}" for key, value in asked.source().labels)
