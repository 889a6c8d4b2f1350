"""Parallel: tasks at the same time."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class Parallel(BranchingTask, Documented):
    """Run tasks at the same time.

    The next task starts when all have ended. After a failure the tasks already started go on, no other one starts.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Three tasks, two at a time.",
            """
id: fan_out
namespace: company.team
tasks:
  - id: all
    type: io.kestra.plugin.core.flow.Parallel
    concurrent: 2
    tasks:
      - id: a
        type: io.kestra.plugin.core.log.Log
        message: a
      - id: b
        type: io.kestra.plugin.core.log.Log
        message: b
      - id: c
        type: io.kestra.plugin.core.log.Log
        message: c
""",
        ),
    )

    tasks: Annotated[list[AnyTask], Field(min_length=1, title="The tasks.")]
    concurrent: Annotated[int, Field(ge=0, title="How many may run at once; 0 for no limit.")] = 0

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.PER_TASK,
            lists={"main": tuple(self.tasks)},
            limit=self.concurrent,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
        )
