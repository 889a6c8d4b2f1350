"""Switch: one of several lists of tasks, by a value."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import FlowableFailed
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class Switch(BranchingTask, Documented):
    """Run the tasks of the case that equals a value.

    When no case does, the `defaults` run; without any the task fails.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Choose by a text.",
            """
id: by_color
namespace: company.team
inputs:
  - id: color
    type: STRING
    defaults: red
tasks:
  - id: by_color
    type: io.kestra.plugin.core.flow.Switch
    value: "{{ inputs.color }}"
    cases:
      red:
        - id: stop
          type: io.kestra.plugin.core.log.Log
          message: stop
      green:
        - id: go
          type: io.kestra.plugin.core.log.Log
          message: go
    defaults:
      - id: wait
        type: io.kestra.plugin.core.log.Log
        message: wait
""",
        ),
    )

    value: str = Field(title="The value; rendered and compared as text.")
    cases: dict[str, list[AnyTask]] = Field(default_factory=dict, title="The tasks for each value.")
    defaults: list[AnyTask] = Field(default_factory=list, title="The tasks when no case equals the value.")

    def check(self) -> list[str]:
        if not self.defaults and not any(self.cases.values()):
            return ["No task defined, neither cases or default have any tasks"]
        return []

    def frame(self) -> FrameSpec:
        lists = {f"case:{name}": tuple(tasks) for name, tasks in self.cases.items()}
        if self.defaults:
            lists["default"] = tuple(self.defaults)
        return FrameSpec(
            lanes=Lanes.ONE,
            lists=lists,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            control=self.value,
        )

    def open(self, control: Any) -> Opening:
        value = "" if control is None else str(control)
        matched = value in self.cases
        if not matched and not self.defaults:
            raise FlowableFailed(f"No task found on flow: '{value}' is no case of '{self.id}', which has no defaults")
        chosen = f"case:{value}" if matched else "default"
        return Opening(chosen=chosen, outputs={"value": value, "defaults": not matched})
