"""Echo: an old name of a task that writes to the log."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, RunnableTask


class Echo(RunnableTask, Documented):
    """Write a text to the log (use `log.Log` in new flows)."""

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write the task's name.",
            """
id: echo
namespace: company.team
tasks:
  - id: echo
    type: io.kestra.plugin.core.debug.Echo
    format: "{{ task.id }} of {{ flow.id }}"
""",
        ),
    )

    format: str = Field(title="The text; rendered.")
    level: Level = Field(default=Level.INFO, title="The level of the line.")

    def run(self, context: RunContext) -> None:
        context.log(self.level, context.render(self.format))
