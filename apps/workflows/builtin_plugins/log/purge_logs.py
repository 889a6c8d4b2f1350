"""PurgeLogs: deletes lines of logs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.moments import moment, optional_moment
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.executions import Selection
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output, RunnableTask


class PurgeLogsOutput(Output):
    """What PurgeLogs gives."""

    count: int = Field(title="How many lines were deleted.")


class PurgeLogs(RunnableTask, Documented):
    """Delete lines of the logs of executions and triggers."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Each run deletes what is older than a week, except warnings and errors.",
            """
id: log_retention
namespace: company.team
tasks:
  - id: purge
    type: io.kestra.plugin.core.log.PurgeLogs
    namespace: company.team
    logLevels: [TRACE, DEBUG, INFO]
    endDate: "{{ now() | dateAdd(-7, 'DAYS') }}"
""",
        ),
    )

    namespace: str | None = Field(
        default=None, title="The namespace, with those below it unless `flowId` is given; all unless given; rendered."
    )
    flow_id: str | None = Field(default=None, title="The flow; rendered.")
    log_levels: list[Level] = Field(default_factory=list, title="The levels; all unless given.")
    start_date: str | None = Field(default=None, title="The moment of the first line; rendered.")
    end_date: str = Field(title="The moment of the last line, as in `2025-01-31T10:15:00Z`; rendered.")

    def check(self) -> list[str]:
        return ["`flowId` needs `namespace`"] if self.flow_id is not None and self.namespace is None else []

    def run(self, context: RunContext) -> PurgeLogsOutput:
        selection = Selection(
            namespace=None if self.namespace is None else context.render(self.namespace),
            flow_id=None if self.flow_id is None else context.render(self.flow_id),
            start=optional_moment(context, self.start_date, "startDate"),
            end=moment(context, self.end_date, "endDate"),
        )
        try:
            return PurgeLogsOutput(count=context.executions().purge_logs(selection, levels=self.log_levels))
        except PermissionError as error:
            raise TaskFailed(str(error)) from error
