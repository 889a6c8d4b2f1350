"""Publish: reports numbers as metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask


class MetricType(StrEnum):
    """The kinds of metrics."""

    COUNTER = "counter"
    TIMER = "timer"


class Metric(PluginModel):
    """One number."""

    type: MetricType = Field(title="`counter`, or `timer` for seconds.")
    name: str = Field(title="What is counted; rendered.")
    value: Property[float] = Field(title="The number; of a timer, seconds.")
    tags: dict[str, str] = Field(default_factory=dict, title="What tells it from others of its name; rendered.")


class Publish(RunnableTask, Documented):
    """Report numbers as metrics of the execution."""

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Report how many orders were handled.",
            """
id: report
namespace: company.team
inputs:
  - id: orders
    type: INT
    defaults: 12
tasks:
  - id: report
    type: io.kestra.plugin.core.metric.Publish
    metrics:
      - type: counter
        name: orders
        value: "{{ inputs.orders }}"
        tags:
          shop: online
""",
        ),
    )

    metrics: Annotated[list[Metric], Field(min_length=1, title="The numbers.")]

    def run(self, context: RunContext) -> None:
        for metric in self.metrics:
            tags = {context.render(name): context.render(value) for name, value in metric.tags.items()}
            context.metric(metric.type.value, context.render(metric.name), metric.value.value(context), tags)
