"""Delete: removes a stored file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class DeleteOutput(Output):
    """What Delete gives."""

    uri: str = Field(title="The address of the file.")
    deleted: bool = Field(title="Whether there was one.")


class Delete(RunnableTask, Documented):
    """Remove a file of this execution from internal storage."""

    light: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Remove an uploaded file when it is no longer needed.",
            """
id: tidy
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: size
    type: io.kestra.plugin.core.storage.Size
    uri: "{{ inputs.file }}"
  - id: remove
    type: io.kestra.plugin.core.storage.Delete
    uri: "{{ inputs.file }}"
""",
        ),
    )

    uri: str = Field(title="The address of the file; rendered.")
    error_on_missing: bool = Field(default=False, title="Whether the task fails when there is no such file.")

    def run(self, context: RunContext) -> DeleteOutput:
        uri = context.render(self.uri).strip()
        try:
            deleted = context.storage.delete(uri)
        except PermissionError as error:
            raise TaskFailed(f"Cannot delete `{uri}`: {error}") from error
        if not deleted and self.error_on_missing:
            raise TaskFailed(f"Unable to find file '{uri}'")
        return DeleteOutput(uri=uri, deleted=deleted)
