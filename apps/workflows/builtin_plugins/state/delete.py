"""Delete: removes a state."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.state.state_key import StateTask
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class DeleteOutput(Output):
    """What Delete gives."""

    deleted: bool = Field(title="Whether there was one.")


class Delete(StateTask, Documented):
    """Remove a state."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Begin anew.",
            """
id: begin_anew
namespace: company.team
tasks:
  - id: delete
    type: io.kestra.plugin.core.state.Delete
""",
        ),
    )

    error_on_missing: bool = Field(default=False, title="Whether the task fails when there is no such state.")

    def run(self, context: RunContext) -> DeleteOutput:
        key = self.key(context)
        deleted = context.kv().delete(key)
        if not deleted and self.error_on_missing:
            raise TaskFailed(f"Unable to find the state file '{key}'")
        return DeleteOutput(deleted=deleted)
