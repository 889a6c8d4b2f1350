"""ExecutionOutputs: whether an expression about the outputs of an execution gives something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.condition.expression import says_yes
from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class ExecutionOutputs(Condition, Documented):
    """Whether an expression with `trigger.outputs`, the outputs of the execution, is neither blank nor `false`."""

    on_schedule: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only when rows were written.",
            """
id: execution_outputs
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
      - type: io.kestra.plugin.core.condition.ExecutionOutputs
        expression: "{{ trigger.outputs.rows > 0 }}"
""",
        ),
    )

    expression: str = Field(title="The expression.")

    def holds(self, asked: Asked) -> bool:
        return _has_outputs(asked) and says_yes(asked.renderer.render(self.expression))

    def seen(self, asked: Asked) -> str:
        return asked.renderer.render(self.expression) if _has_outputs(asked) else "no outputs"


def _has_outputs(asked: Asked) -> bool:
    trigger = asked.variables.get("trigger")
    return isinstance(trigger, Mapping) and bool(trigger.get("outputs"))
