"""OutputValues: gives a map of rendered values as output."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class OutputValuesOutput(Output):
    """What OutputValues gives."""

    values: dict[str, Any] = Field(title="The rendered values.")


class OutputValues(RunnableTask, Documented):
    """Give a map of values as output.

    Every text in the map is rendered; later tasks read `outputs.<id>.values.<name>`.
    """

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Collect what later tasks need.",
            """
id: collect
namespace: company.team
tasks:
  - id: collected
    type: io.kestra.plugin.core.output.OutputValues
    values:
      started: "{{ execution.startDate }}"
      sizes: [1, 2, 3]
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.collected.values.started }}"
""",
        ),
    )

    values: dict[str, Any] = Field(default_factory=dict, title="Names and values; every text is rendered.")

    def run(self, context: RunContext) -> OutputValuesOutput:
        return OutputValuesOutput(values=context.render_tree(self.values))
