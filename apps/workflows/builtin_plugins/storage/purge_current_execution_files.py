"""PurgeCurrentExecutionFiles: removes the files of the execution it runs in."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class PurgeCurrentExecutionFilesOutput(Output):
    """What PurgeCurrentExecutionFiles gives."""

    uris: list[str] = Field(title="The addresses of the files that were removed.")


class PurgeCurrentExecutionFiles(RunnableTask, Documented):
    """Remove all files of the execution it runs in: inputs, outputs, and those of its trigger.

    The execution itself stays, with its addresses, which then lead nowhere.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Leave no file behind.",
            """
id: tidy_up
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: size
    type: io.kestra.plugin.core.storage.Size
    uri: "{{ inputs.file }}"
  - id: purge
    type: io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles
""",
        ),
    )

    def run(self, context: RunContext) -> PurgeCurrentExecutionFilesOutput:
        return PurgeCurrentExecutionFilesOutput(uris=context.storage.delete_all())
