"""ForEach: a list of tasks for each value."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.flow.loop_values import loop_values
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class ForEach(BranchingTask, Documented):
    """Run a list of tasks for each value.

    The tasks of one value run one after another; `concurrencyLimit` says for how many values at once. Duplicate
    values count once. The tasks read the value as `taskrun.value`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Three values at the same time.",
            """
id: each
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b", "c"]
    concurrencyLimit: 0
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "Value {{ taskrun.value }}"
""",
        ),
    )

    values: str | list[Any] = Field(title="The values: a list, or an expression that gives one; rendered.")
    concurrency_limit: Annotated[int, Field(ge=0, title="For how many values at once; 0 for no limit.")] = 1
    tasks: list[AnyTask] = Field(default_factory=list, title="The tasks for each value.")

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.PER_VALUE,
            lists={"main": tuple(self.tasks)},
            limit=self.concurrency_limit,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            control=self.values,
        )

    def open(self, control: Any) -> Opening:
        values = loop_values(control)
        return Opening(chosen="main" if values else None, values=values)
