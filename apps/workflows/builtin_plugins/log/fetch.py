"""Fetch: stores the log of an execution as a file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.execution.target import ExecutionTask
from apps.workflows.builtin_plugins.storage.splitting import new_part
from apps.workflows.expressions.ion_text import to_ion
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output


class FetchOutput(Output):
    """What Fetch gives."""

    size: int = Field(title="The number of lines.")
    uri: str = Field(title="The address of the file: a row of Ion for each line.")


class Fetch(ExecutionTask, Documented):
    """Store the log of an execution as a file, one row a line."""

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The warnings and errors of this execution so far.",
            """
id: collect
namespace: company.team
tasks:
  - id: warn
    type: io.kestra.plugin.core.log.Log
    message: careful
    level: WARN
  - id: fetch
    type: io.kestra.plugin.core.log.Fetch
    level: WARN
""",
        ),
    )

    tasks_id: list[str] = Field(default_factory=list, title="The tasks whose lines are fetched; all unless given.")
    level: Level = Field(default=Level.INFO, title="The least level of a line.")

    def run(self, context: RunContext) -> FetchOutput:
        execution_id, flow = self.target(context)
        size = 0
        try:
            lines = context.executions().logs(execution_id, min_level=self.level, task_ids=self.tasks_id, flow=flow)
            with new_part() as written:
                for line in lines:
                    size += 1
                    context.cancellation.check()
                    written.write(to_ion(line).encode() + b"\n")
                written.seek(0)
                return FetchOutput(size=size, uri=context.storage.put(written, "logs.ion"))
        except LookupError as error:
            raise TaskFailed(f"No execution found for execution id {execution_id}") from error
        except PermissionError as error:
            raise TaskFailed(str(error)) from error
