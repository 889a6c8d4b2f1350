"""HasRetryAttempt: whether a task of an execution was tried again."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.state import State


class HasRetryAttempt(Condition, Documented):
    """Whether a task run of the execution had more than one attempt, one of them in (or in none of) some states."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After executions that had to try again.",
            """
id: has_retry_attempt
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - type: io.kestra.plugin.core.condition.HasRetryAttempt
        in: [FAILED]
""",
        ),
    )

    in_: list[State] | None = Field(
        default=None, alias="in", title="An attempt must have ended in one of these states."
    )
    not_in: list[State] | None = Field(default=None, title="An attempt must have ended in none of these states.")

    def holds(self, asked: Asked) -> bool:
        return any(
            (self.in_ is None or state in self.in_) and (self.not_in is None or state not in self.not_in)
            for attempts in asked.source().attempts()
            if len(attempts) > 1
            for state in attempts
        )

    def seen(self, asked: Asked) -> str:
        return f"{sum(len(attempts) > 1 for attempts in asked.source().attempts())} task runs were tried again"
