"""Return: gives a rendered text as output."""

from __future__ import annotations

import time
from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output, RunnableTask


class ReturnOutput(Output):
    """What Return gives."""

    value: str = Field(title="The rendered text.")


class Return(RunnableTask, Documented):
    """Give a rendered text as output.

    For trying out expressions, and for handing a computed text to later tasks as `outputs.<id>.value`.
    """

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Compute a text and use it in the next task.",
            """
id: greeting
namespace: company.team
inputs:
  - id: name
    type: STRING
    defaults: Ada
tasks:
  - id: greeting
    type: io.kestra.plugin.core.debug.Return
    format: "Hello {{ inputs.name | upper }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.greeting.value }}"
""",
        ),
    )

    format: str | None = Field(default=None, title="The text; rendered. Without it there is no output.")

    def run(self, context: RunContext) -> ReturnOutput | None:
        if self.format is None:
            return None
        started = time.perf_counter()
        value = context.render(self.format)
        tags = {"format": self.format}
        context.metric("counter", "length", len(value), tags)
        context.metric("timer", "duration", time.perf_counter() - started, tags)
        context.log(Level.DEBUG, value)
        return ReturnOutput(value=value)
