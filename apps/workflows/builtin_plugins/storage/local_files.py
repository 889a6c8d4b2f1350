"""LocalFiles: writes files into the working directory and stores files of it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.working_files import collect_output_files, write_input_files
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class LocalFilesOutput(Output):
    """What LocalFiles gives."""

    uris: dict[str, str] = Field(title="Stored files: path and address.")


class LocalFiles(RunnableTask, Documented):
    """Write files into the working directory, and store files of it.

    For use in a WorkingDirectory; its own `inputFiles` and `outputFiles` do the same and are to be preferred.
    """

    deprecated: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Bring a file, store what a script makes of it.",
            """
id: local_files
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: bring
        type: io.kestra.plugin.core.storage.LocalFiles
        inputs:
          names.txt: Ada
      - id: greet
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - echo "Hello $(cat names.txt)" > greeting.txt
      - id: keep
        type: io.kestra.plugin.core.storage.LocalFiles
        outputs:
          - greeting.txt
""",
        ),
    )

    inputs: dict[str, Any] | str | None = Field(
        default=None,
        title="Files to write: path and content or `kestra://` address, or the JSON of that; rendered.",
    )
    outputs: list[str] | str | None = Field(
        default=None, title="Patterns of files to store, or the JSON of a list of them; rendered."
    )

    def run(self, context: RunContext) -> LocalFilesOutput:
        folder = context.working_directory()
        if self.inputs is not None:
            write_input_files(context, self.inputs, folder)
        return LocalFilesOutput(uris=collect_output_files(context, self._patterns(context), folder))

    def _patterns(self, context: RunContext) -> list[str]:
        if not isinstance(self.outputs, str):
            return self.outputs or []
        text = context.render(self.outputs)
        try:
            found = json.loads(text)
        except ValueError:
            return [text]
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise TaskFailed(f"`outputs` is `{text}`, but must be a list of patterns")
        return found
