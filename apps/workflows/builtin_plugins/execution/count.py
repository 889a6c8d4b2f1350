"""Count: counts executions of flows."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.moments import moment, optional_moment
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.executions import Selection
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Output, RunnableTask


class CountedFlow(PluginModel):
    """A flow."""

    namespace: str = Field(title="Its namespace; rendered.")
    flow_id: str = Field(title="Its id; rendered.")


class CountResult(Output):
    """The executions of one flow."""

    namespace: str = Field(title="The namespace of the flow.")
    flow_id: str = Field(title="The id of the flow.")
    count: int = Field(title="How many executions it has.")


class CountOutput(Output):
    """What Count gives."""

    results: list[CountResult] = Field(title="The flows for which the expression was true.")
    total: int = Field(title="The sum of their executions.")


class Count(RunnableTask, Documented):
    """Count the executions of flows in a time, and keep the flows for which an expression is true.

    The expression reads the number of a flow as `count`. A flow that is named and has no execution counts 0.
    """

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Fail when a flow did not succeed since yesterday.",
            """
id: watch
namespace: company.team
tasks:
  - id: count
    type: io.kestra.plugin.core.execution.Count
    flows:
      - namespace: company.team
        flowId: daily_report
    states: [SUCCESS]
    startDate: "{{ now() | dateAdd(-1, 'DAYS') }}"
    expression: "{{ count == 0 }}"
  - id: check
    type: io.kestra.plugin.core.execution.Fail
    condition: "{{ outputs.count.results | length > 0 }}"
""",
        ),
    )

    flows: list[CountedFlow] = Field(default_factory=list, title="The flows.")
    namespaces: list[str] = Field(default_factory=list, title="Namespaces all flows of which are counted; rendered.")
    states: list[State] = Field(default_factory=list, title="The states that count; all unless given.")
    start_date: str = Field(title="The first moment, as in `2025-01-31T10:15:00Z`; rendered.")
    end_date: str | None = Field(default=None, title="The last moment; now unless given; rendered.")
    expression: str = Field(title="Which flows are kept: an expression of `count` that gives `true`.")

    def check(self) -> list[str]:
        if not self.flows and not self.namespaces:
            return ["You must provide a list of flows or namespaces"]
        return []

    def run(self, context: RunContext) -> CountOutput:
        start = moment(context, self.start_date, "startDate")
        end = optional_moment(context, self.end_date, "endDate")
        named = [(context.render(flow.namespace), context.render(flow.flow_id)) for flow in self.flows]
        selections = [Selection(namespace, flow_id, self.states, start, end) for namespace, flow_id in named]
        for namespace in self.namespaces:
            selections.append(Selection(context.render(namespace), None, self.states, start, end))
        try:
            counted = context.executions().count(selections)
        except PermissionError as error:
            raise TaskFailed(str(error)) from error
        kept = [
            CountResult(namespace=flow.namespace, flow_id=flow.flow_id, count=flow.count)
            for flow in counted
            if context.with_variables({"count": flow.count}).render(self.expression).strip() == "true"
        ]
        return CountOutput(results=kept, total=sum(flow.count for flow in kept))
