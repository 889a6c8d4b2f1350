"""LoopUntil (WaitFor of old): runs its tasks again and again until a condition is true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes, Opening, RepeatSpec
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask

MOST_TURNS = 100
LONGEST = timedelta(hours=1)
INTERVAL = timedelta(seconds=1)


class CheckFrequency(PluginModel):
    """How often and for how long a LoopUntil tries."""

    max_iterations: Property[int] | None = Field(default=None, title="Most turns; 100 unless given.")
    max_duration: Property[Duration] | None = Field(
        default=None, title="The time from its start after which no turn begins; an hour unless given."
    )
    interval: Property[Duration] | None = Field(
        default=None, title="The time between two turns; a second unless given."
    )


class LoopUntil(BranchingTask, Documented):
    """Run tasks again and again until a condition is true.

    The condition is looked at after each turn and may use the outputs of its tasks. The output `iterationCount` is the
    number of the turn, from 1. Only the task runs of the last turn are kept. A task that fails ends it.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Ask a service every thirty seconds until it is ready, for at most ten minutes.",
            """
id: until_ready
namespace: company.team
inputs:
  - id: address
    type: STRING
    defaults: http://localhost:8080/state
tasks:
  - id: ready
    type: io.kestra.plugin.core.flow.LoopUntil
    condition: "{{ outputs.ask.code == 200 }}"
    failOnMaxReached: true
    checkFrequency:
      interval: PT30S
      maxDuration: PT10M
    tasks:
      - id: ask
        type: io.kestra.plugin.core.http.Request
        uri: "{{ inputs.address }}"
        allowFailed: true
""",
        ),
    )

    tasks: list[AnyTask] = Field(min_length=1, title="The tasks of a turn, in order.")
    condition: str = Field(title="True ends it; rendered after each turn.")
    fail_on_max_reached: bool = Field(
        default=False, title="Whether it fails when a limit is reached; else it ends as if the condition were true."
    )
    check_frequency: CheckFrequency = Field(default_factory=CheckFrequency, title="How often, and for how long.")

    def frame(self) -> FrameSpec:
        often = self.check_frequency
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": tuple(self.tasks)},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            kind=Kind.WAIT_FOR,
            repeat=RepeatSpec(
                condition=self.condition,
                interval=often.interval or INTERVAL,
                max_iterations=often.max_iterations.raw if often.max_iterations else MOST_TURNS,
                max_duration=often.max_duration or LONGEST,
                fail_on_max=self.fail_on_max_reached,
            ),
        )

    def open(self, control: Any) -> Opening:
        return Opening(outputs={"iterationCount": 1})
