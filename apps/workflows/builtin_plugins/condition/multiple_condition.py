"""MultipleCondition: conditions that several executions meet one by one, within a window of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import AnyCondition, Asked, Condition
from apps.workflows.plugin_api.documented import DEPRECATED, Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.time_window import Gathered, TimeWindow


class MultipleCondition(Condition, Documented):
    """Conditions that several executions meet one by one, within a window of time.

    Only a Flow trigger can have it; `preconditions` say the same better.
    """

    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "After two flows of one day.",
            """
id: multiple_condition
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    conditions:
      - id: both
        type: io.kestra.plugin.core.condition.MultipleCondition
        timeWindow:
          type: DURATION_WINDOW
          window: P1D
        conditions:
          orders:
            type: io.kestra.plugin.core.condition.ExecutionFlow
            namespace: company.team
            flowId: orders
          customers:
            type: io.kestra.plugin.core.condition.ExecutionFlow
            namespace: company.team
            flowId: customers
""",
        ),
    )

    id: str = Field(min_length=1, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*", title="Name of what is gathered.")
    time_window: TimeWindow | None = Field(default=None, title="The span of time within which all must hold.")
    window: Duration | None = Field(
        default=None, json_schema_extra=DEPRECATED, title="Length of the window; use `timeWindow`."
    )
    window_advance: Duration | None = Field(
        default=None, json_schema_extra=DEPRECATED, title="How far windows are moved; use `timeWindow`."
    )
    reset_on_success: bool = Field(default=True, title="Whether gathering begins anew when the flow was started.")
    conditions: dict[str, AnyCondition] = Field(min_length=1, title="The conditions, by name.")

    def check(self) -> list[str]:
        return [] if self.time_window is None else self.time_window.check()

    def parts(self) -> Sequence[Condition]:
        return list(self.conditions.values())

    def holds(self, asked: Asked) -> bool:
        raise ValueError("a MultipleCondition can only be evaluated by a Flow trigger")

    def gathered(self) -> Gathered:
        """What the Flow trigger keeps account of."""
        window = self.time_window or TimeWindow(window=self.window, window_advance=self.window_advance)
        return Gathered(self.id, self.conditions, window, self.reset_on_success)
