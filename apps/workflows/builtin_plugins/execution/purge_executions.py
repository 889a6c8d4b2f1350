"""PurgeExecutions: deletes executions that have ended."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.moments import moment, optional_moment
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.executions import Selection
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Output, RunnableTask


class PurgeExecutionsOutput(Output):
    """What PurgeExecutions gives."""

    executions_count: int = Field(title="How many executions were deleted.")
    logs_count: int = Field(title="How many lines of log were deleted.")
    storages_count: int = Field(title="How many files were deleted.")
    metrics_count: int = Field(title="How many metrics were deleted.")


class PurgeExecutions(RunnableTask, Documented):
    """Delete executions that have ended, with their logs, metrics and files.

    Nothing of them can be brought back. Executions that have not ended are left alone.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Each run deletes what succeeded more than a month ago.",
            """
id: retention
namespace: company.team
tasks:
  - id: purge
    type: io.kestra.plugin.core.execution.PurgeExecutions
    namespace: company.team
    endDate: "{{ now() | dateAdd(-1, 'MONTHS') }}"
    states: [SUCCESS]
""",
        ),
    )

    namespace: str | None = Field(
        default=None, title="The namespace, with those below it unless `flowId` is given; all unless given; rendered."
    )
    flow_id: str | None = Field(default=None, title="The flow; rendered.")
    start_date: str | None = Field(default=None, title="The moment from which on they began; rendered.")
    end_date: str = Field(title="The moment before which they began, as in `2025-01-31T10:15:00Z`; rendered.")
    states: list[State] = Field(default_factory=list, title="Their states; all that are an end unless given.")
    purge_execution: bool = Field(default=True, title="Whether the executions are deleted.")
    purge_log: bool = Field(default=True, title="Whether their logs are deleted.")
    purge_metric: bool = Field(default=True, title="Whether their metrics are deleted.")
    purge_storage: bool = Field(default=True, title="Whether their files are deleted.")

    def check(self) -> list[str]:
        return ["`flowId` needs `namespace`"] if self.flow_id is not None and self.namespace is None else []

    def run(self, context: RunContext) -> PurgeExecutionsOutput:
        selection = Selection(
            namespace=None if self.namespace is None else context.render(self.namespace),
            flow_id=None if self.flow_id is None else context.render(self.flow_id),
            states=self.states,
            start=optional_moment(context, self.start_date, "startDate"),
            end=moment(context, self.end_date, "endDate"),
        )
        try:
            purged = context.executions().purge(
                selection,
                executions=self.purge_execution,
                logs=self.purge_log,
                metrics=self.purge_metric,
                files=self.purge_storage,
            )
        except PermissionError as error:
            raise TaskFailed(str(error)) from error
        return PurgeExecutionsOutput(
            executions_count=purged.executions,
            logs_count=purged.logs,
            storages_count=purged.files,
            metrics_count=purged.metrics,
        )
