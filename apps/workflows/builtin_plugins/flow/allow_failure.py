"""AllowFailure: a block whose failure is only a warning."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class AllowFailure(BranchingTask, Documented):
    """Run tasks one after another; when one fails, the block ends with a warning and the flow goes on."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A step that may fail.",
            """
id: may_fail
namespace: company.team
tasks:
  - id: optional
    type: io.kestra.plugin.core.flow.AllowFailure
    tasks:
      - id: fail
        type: io.kestra.plugin.core.execution.Fail
  - id: next
    type: io.kestra.plugin.core.log.Log
    message: this runs all the same
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
            kind=Kind.ALLOW_FAILURE,
        )
