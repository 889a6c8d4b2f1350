"""Resume: lets a paused execution go on."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.execution.target import ExecutionTask
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class Resume(ExecutionTask, Documented):
    """Let a paused execution go on, whether a Pause or a person has paused it."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Resume the execution whose id is given, with what its Pause asks for.",
            """
id: approve
namespace: company.team
inputs:
  - id: execution
    type: STRING
tasks:
  - id: resume
    type: io.kestra.plugin.core.execution.Resume
    executionId: "{{ inputs.execution }}"
    inputs:
      approved: true
""",
        ),
    )

    inputs: dict[str, Any] | None = Field(default=None, title="What its Pause asks for; rendered.")

    def run(self, context: RunContext) -> None:
        execution_id, flow = self.target(context)
        inputs = context.render_tree(self.inputs or {})
        try:
            context.executions().resume(execution_id, inputs=inputs, flow=flow)
        except LookupError as error:
            raise TaskFailed(f"No execution found for execution id {execution_id}") from error
        except (PermissionError, ValueError) as error:
            raise TaskFailed(str(error)) from error
