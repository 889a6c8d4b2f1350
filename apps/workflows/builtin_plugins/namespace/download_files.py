"""DownloadFiles: copies files of a namespace to internal storage."""

from __future__ import annotations

import posixpath
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.namespace.file_choice import FileChoiceTask
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class DownloadFilesOutput(Output):
    """What DownloadFiles gives."""

    files: dict[str, str] = Field(title="Path, with a leading slash, and address in internal storage.")


class DownloadFiles(FileChoiceTask, Documented):
    """Copy files of a namespace to internal storage, as files of this execution."""

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "All CSV files of the namespace.",
            """
id: take
namespace: company.team
tasks:
  - id: download
    type: io.kestra.plugin.core.namespace.DownloadFiles
    namespace: "{{ flow.namespace }}"
    files: ["**.csv"]
""",
        ),
    )

    destination: str = Field(default="", title="The folder, below this task's, of the copies; rendered.")

    def run(self, context: RunContext) -> DownloadFilesOutput:
        held, paths = self.chosen(context)
        folder = context.render(self.destination).strip("/")
        copied: dict[str, str] = {}
        for path in paths:
            context.cancellation.check()
            with held.open(path) as content:
                copied[f"/{path}"] = context.storage.put(content, posixpath.join(folder, path))
        context.metric("counter", "downloaded", len(copied))
        return DownloadFilesOutput(files=copied)
