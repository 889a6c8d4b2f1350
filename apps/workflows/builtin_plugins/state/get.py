"""Get: reads a state."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.state.state_key import StateTask
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class GetOutput(Output):
    """What Get gives."""

    count: int = Field(title="The number of values the state holds.")
    data: dict[str, Any] = Field(title="The values.")


class Get(StateTask, Documented):
    """Read the values of a state.

    A state that is not there is empty, or fails the task with `errorOnMissing`.
    """

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Show the execution that ran before.",
            """
id: recall
namespace: company.team
tasks:
  - id: get
    type: io.kestra.plugin.core.state.Get
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.get.data.last ?? 'the first one' }}"
""",
        ),
    )

    error_on_missing: bool = Field(default=False, title="Whether the task fails when there is no such state.")

    def run(self, context: RunContext) -> GetOutput:
        key = self.key(context)
        state = self.read(context, key)
        if state is None and self.error_on_missing:
            raise TaskFailed(f"State {key} not found")
        return GetOutput(count=len(state or {}), data=state or {})
