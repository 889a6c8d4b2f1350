"""Toggle: switches a trigger on or off."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask


class Toggle(RunnableTask, Documented):
    """Switch a trigger on or off."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Switch off the schedule of another flow.",
            """
id: stop_loading
namespace: company.team
tasks:
  - id: stop
    type: io.kestra.plugin.core.trigger.Toggle
    flowId: load
    trigger: nightly
    enabled: false
""",
        ),
    )

    namespace: str | None = Field(default=None, title="Namespace of the flow, its own when not given; rendered.")
    flow_id: str | None = Field(default=None, title="Id of the flow, its own when not given; rendered.")
    trigger: str = Field(title="Id of the trigger; rendered.")
    enabled: Property[bool] | None = Field(default=None, title="Whether it is switched on; off when not given.")

    def run(self, context: RunContext) -> None:
        namespace = context.namespace if self.namespace is None else context.render(self.namespace)
        flow_id = context.flow_id if self.flow_id is None else context.render(self.flow_id)
        enabled = self.enabled is not None and self.enabled.value(context)
        try:
            context.triggers().switch(namespace, flow_id, context.render(self.trigger), enabled=enabled)
        except (LookupError, PermissionError) as error:
            raise TaskFailed(str(error.args[0])) from error
