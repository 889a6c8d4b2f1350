"""EachParallel: an old name of a loop whose values and tasks all run at the same time."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.flow.loop_values import loop_values
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class EachParallel(BranchingTask, Documented):
    """Run tasks for each value, all at the same time (use `flow.ForEach` in new flows).

    Other than in ForEach the tasks of one value run at the same time too.
    """

    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two values at once.",
            """
id: each_parallel
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.EachParallel
    value: ["a", "b"]
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "{{ taskrun.value }}"
""",
        ),
    )

    value: str | list[Any] = Field(title="The values: a list, or an expression that gives one; rendered.")
    concurrent: Annotated[int, Field(ge=0, title="How many tasks may run at once; 0 for no limit.")] = 0
    tasks: Annotated[list[AnyTask], Field(min_length=1, title="The tasks for each value.")]

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.PER_VALUE_AND_TASK,
            lists={"main": tuple(self.tasks)},
            limit=self.concurrent,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            control=self.value,
        )

    def open(self, control: Any) -> Opening:
        values = loop_values(control)
        return Opening(chosen="main" if values else None, values=values)
