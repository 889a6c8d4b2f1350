"""Sequential: tasks one after another, as a block."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class Sequential(BranchingTask, Documented):
    """Run tasks one after another.

    A block of its own: with its own `errors`, or as one branch of a Parallel.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two tasks with an error handler of their own.",
            """
id: block
namespace: company.team
tasks:
  - id: block
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - id: first
        type: io.kestra.plugin.core.log.Log
        message: first
      - id: second
        type: io.kestra.plugin.core.log.Log
        message: second
    errors:
      - id: failed
        type: io.kestra.plugin.core.log.Log
        message: the block has failed
""",
        ),
    )

    tasks: list[AnyTask] = Field(default_factory=list, title="The tasks, in order.")

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": tuple(self.tasks)},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
        )
