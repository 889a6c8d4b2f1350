"""Fail: ends its task run FAILED."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.expressions.environment import is_truthy
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, RunnableTask


class Fail(RunnableTask, Documented):
    """Fail the execution, always or on a condition.

    Without a condition it always fails. With one it fails when the rendered condition is true, else it succeeds.
    """

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Stop when a value is too small.",
            """
id: check_amount
namespace: company.team
inputs:
  - id: amount
    type: INT
    defaults: 10
tasks:
  - id: check
    type: io.kestra.plugin.core.execution.Fail
    condition: "{{ inputs.amount < 5 }}"
    errorMessage: "The amount {{ inputs.amount }} is too small"
""",
        ),
    )

    condition: str | None = Field(default=None, title="Fail only when this is true; rendered.")
    error_message: str = Field(default="Task failure", title="The message of the failure; rendered.")

    def run(self, context: RunContext) -> None:
        if self.condition is None:
            raise TaskFailed(context.render(self.error_message))
        if is_truthy(context.render(self.condition)):
            context.log(Level.ERROR, context.render(self.error_message))
            raise TaskFailed("Fail on a condition")
