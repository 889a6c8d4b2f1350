"""Size: tells the size of a stored file."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class SizeOutput(Output):
    """What Size gives."""

    size: int = Field(title="The size in bytes.")


class Size(RunnableTask, Documented):
    """Tell the size of a stored file, in bytes."""

    light: ClassVar[bool] = True
    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Fail when a file is empty.",
            """
id: not_empty
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: size
    type: io.kestra.plugin.core.storage.Size
    uri: "{{ inputs.file }}"
  - id: check
    type: io.kestra.plugin.core.execution.Fail
    condition: "{{ outputs.size.size == 0 }}"
""",
        ),
    )

    uri: str = Field(title="The address of the file; rendered.")

    def run(self, context: RunContext) -> SizeOutput:
        uri = context.render(self.uri).strip()
        try:
            return SizeOutput(size=context.storage.size(uri))
        except (FileNotFoundError, PermissionError) as error:
            raise TaskFailed(f"Cannot read `{uri}`: {error}") from error
