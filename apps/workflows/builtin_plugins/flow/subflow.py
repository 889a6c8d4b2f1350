"""Subflow: starts an execution of another flow and, usually, waits for its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import DEPRECATED, Documented, Example
from apps.workflows.plugin_api.labels import Labels
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.task import ExecutableTask, FlowCall


class Subflow(ExecutableTask, Documented):
    """Start an execution of another flow.

    Unless told otherwise it waits for the end, and ends as badly as that execution did. Its outputs are
    `executionId`, `state`, and `outputs`: the outputs of the other flow. A kill reaches what it has started.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Start a flow with an input and use what it gives.",
            """
id: parent
namespace: company.team
inputs:
  - id: day
    type: STRING
    defaults: monday
tasks:
  - id: report
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: daily_report
    inputs:
      day: "{{ inputs.day }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.report.outputs }}"
""",
        ),
        Example(
            "Start a flow tomorrow and do not wait for it.",
            """
id: plan
namespace: company.team
tasks:
  - id: tomorrow
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: daily_report
    wait: false
    scheduleDate: "{{ now() | dateAdd(1, 'DAYS') }}"
    labels:
      planned: "true"
""",
        ),
    )

    namespace: str = Field(title="The namespace of the flow; rendered.")
    flow_id: str = Field(title="The id of the flow; rendered.")
    revision: Annotated[int, Field(ge=1)] | None = Field(
        default=None, title="The revision to start; the newest unless given."
    )
    inputs: dict[str, Any] | None = Field(default=None, title="Inputs of the execution; rendered.")
    labels: Labels | None = Field(default=None, title="Labels of the execution; rendered.")
    inherit_labels: bool = Field(default=False, title="Whether it gets the labels of this execution too.")
    wait: bool = Field(default=True, title="Whether the task lasts until the execution has ended.")
    transmit_failed: bool = Field(
        default=True, title="Whether the task ends FAILED, KILLED or WARNING when the execution does."
    )
    schedule_date: Property[datetime] | None = Field(
        default=None, title="When the execution begins; at once unless given."
    )
    outputs: dict[str, Any] | None = Field(
        default=None,
        json_schema_extra=DEPRECATED,
        title="Values to take from the execution when its flow declares no outputs; declare outputs there instead.",
    )

    def call(self) -> FlowCall:
        return FlowCall(
            namespace=self.namespace,
            flow_id=self.flow_id,
            revision=self.revision,
            inputs=self.inputs,
            labels=None if self.labels is None else [{"key": one.key, "value": one.value} for one in self.labels],
            inherit_labels=self.inherit_labels,
            schedule_date=self.schedule_date,
            outputs=self.outputs,
        )
