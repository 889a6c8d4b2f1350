"""EachSequential: an old name of a loop over values, one at a time."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.flow.loop_values import loop_values
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class EachSequential(BranchingTask, Documented):
    """Run a list of tasks for each value, one value at a time (use `flow.ForEach` in new flows)."""

    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two values.",
            """
id: each_sequential
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.EachSequential
    value: '["a", "b"]'
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "{{ taskrun.value }}"
""",
        ),
    )

    value: str | list[Any] = Field(title="The values: a list, or an expression that gives one; rendered.")
    tasks: list[AnyTask] = Field(default_factory=list, title="The tasks for each value.")

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.PER_VALUE,
            lists={"main": tuple(self.tasks)},
            limit=1,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            control=self.value,
        )

    def open(self, control: Any) -> Opening:
        values = loop_values(control)
        return Opening(chosen="main" if values else None, values=values)
