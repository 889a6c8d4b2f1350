"""Log: writes messages to the log of the execution."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, RunnableTask


class Log(RunnableTask, Documented):
    """Write messages to the log.

    Each message is rendered on its own and becomes one line of the log, in the order given.
    """

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Say hello, then two more lines at another level.",
            """
id: hello
namespace: company.team
tasks:
  - id: hello
    type: io.kestra.plugin.core.log.Log
    message: "Execution {{ execution.id }} started at {{ execution.startDate }}"
  - id: details
    type: io.kestra.plugin.core.log.Log
    level: WARN
    message:
      - "Flow {{ flow.id }}"
      - "Namespace {{ flow.namespace }}"
""",
        ),
    )

    message: str | list[str] = Field(title="The message, or a list of messages; rendered.")
    level: Level = Field(default=Level.INFO, title="The level of the messages.")

    def run(self, context: RunContext) -> None:
        messages = [self.message] if isinstance(self.message, str) else self.message
        for message in messages:
            context.log(self.level, context.render(message))
