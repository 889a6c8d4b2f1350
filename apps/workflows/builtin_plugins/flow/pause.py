"""Pause: waits for a person, or for a time, without a worker."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import DEPRECATED, Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes, PauseSpec
from apps.workflows.plugin_api.inputs import AnyInput, check_declarations
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class Pause(BranchingTask, Documented):
    """Wait until a person resumes the execution, or until a time is over.

    With `delay` it goes on by itself. With `timeout` it fails when nobody has resumed it in time. What the person is
    asked for in `onResume` becomes the output `onResume`. Nothing is held while it waits.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Ask for an approval with a reason, for at most a day.",
            """
id: approval
namespace: company.team
tasks:
  - id: ask
    type: io.kestra.plugin.core.flow.Pause
    timeout: P1D
    onResume:
      - id: approved
        type: BOOLEAN
        defaults: true
      - id: reason
        type: STRING
        required: false
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.ask.onResume.approved }}, {{ outputs.ask.onResume.reason ?? 'no reason given' }}"
""",
        ),
        Example(
            "Go on after ten minutes.",
            """
id: later
namespace: company.team
tasks:
  - id: wait
    type: io.kestra.plugin.core.flow.Pause
    delay: PT10M
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: ten minutes later
""",
        ),
    )

    delay: Property[Duration] | None = Field(default=None, title="The time after which it goes on by itself.")
    timeout: Property[Duration] | None = Field(
        default=None, title="The time after which it fails when nobody has resumed it; not looked at with a `delay`."
    )
    on_resume: list[AnyInput] = Field(
        default_factory=list, title="What the person who resumes it is asked for, as inputs of a flow."
    )
    tasks: list[AnyTask] = Field(
        default_factory=list,
        json_schema_extra=DEPRECATED,
        title="Tasks that run after it; write them behind the Pause instead.",
    )

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": tuple(self.tasks)},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            kind=Kind.PAUSE,
            pause=PauseSpec(delay=self.delay, timeout=self.timeout, on_resume=tuple(self.on_resume)),
        )

    def check(self) -> list[str]:
        return check_declarations(self.on_resume)
