"""If: one of two lists of tasks, by a condition."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.workflows.expressions.environment import is_truthy
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes, Opening
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class If(BranchingTask, Documented):
    """Run tasks when a condition is true, other tasks when it is not.

    The condition is rendered once, when the task starts; a branch that has begun goes on even when it changes.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Choose by an input.",
            """
id: choose
namespace: company.team
inputs:
  - id: urgent
    type: BOOLEAN
    defaults: false
tasks:
  - id: choose
    type: io.kestra.plugin.core.flow.If
    condition: "{{ inputs.urgent }}"
    then:
      - id: now
        type: io.kestra.plugin.core.log.Log
        message: at once
    else:
      - id: later
        type: io.kestra.plugin.core.log.Log
        message: later
""",
        ),
    )

    condition: str | None = Field(
        default=None, title="The condition; rendered. False when it gives `false`, `0`, `-0`, nothing or null."
    )
    then: Annotated[list[AnyTask], Field(min_length=1, title="The tasks when it is true.")]
    else_: list[AnyTask] = Field(default_factory=list, alias="else", title="The tasks when it is false.")

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"then": tuple(self.then), "else": tuple(self.else_)},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            control=self.condition,
        )

    def open(self, control: Any) -> Opening:
        result = is_truthy(control)
        chosen = "then" if result else "else" if self.else_ else None
        return Opening(chosen=chosen, outputs={"evaluationResult": result})
