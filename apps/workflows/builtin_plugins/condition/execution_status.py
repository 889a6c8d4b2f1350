"""ExecutionStatus: whether an execution is in one of some states."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.state import State


class ExecutionStatus(Condition, Documented):
    """Whether the execution is in one of some states, and in none of others."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After failures.",
            """
id: execution_status
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.ExecutionStatus
        in: [FAILED, WARNING]
""",
        ),
    )

    in_: list[State] | None = Field(default=None, alias="in", title="It must be in one of these states.")
    not_in: list[State] | None = Field(default=None, title="It must be in none of these states.")

    def holds(self, asked: Asked) -> bool:
        state = asked.source().state
        return (self.in_ is None or state in self.in_) and (self.not_in is None or state not in self.not_in)

    def seen(self, asked: Asked) -> str:
        return asked.source().state.value
