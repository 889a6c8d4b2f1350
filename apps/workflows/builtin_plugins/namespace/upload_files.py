"""UploadFiles: stores files in a namespace."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import open_stored
from apps.workflows.builtin_plugins.working_files import files_of
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import NamespaceFiles, RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class Conflict(StrEnum):
    """What happens when there is a file of that path."""

    OVERWRITE = "OVERWRITE"
    ERROR = "ERROR"
    SKIP = "SKIP"


class UploadFilesOutput(Output):
    """What UploadFiles gives."""

    files: list[str] = Field(title="The paths that were stored.")


class UploadFiles(RunnableTask, Documented):
    """Store files of the working directory, or of internal storage, as files of a namespace."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "An uploaded file becomes a file of the namespace.",
            """
id: publish
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: upload
    type: io.kestra.plugin.core.namespace.UploadFiles
    namespace: "{{ flow.namespace }}"
    filesMap:
      data/orders.csv: "{{ inputs.file }}"
""",
        ),
        Example(
            "A script's files, from the folder it shares with this task.",
            """
id: publish_script
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    tasks:
      - id: make
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - echo hello > hello.txt
      - id: upload
        type: io.kestra.plugin.core.namespace.UploadFiles
        namespace: company.team
        files: ["*.txt"]
        destination: texts
        conflict: SKIP
""",
        ),
    )

    namespace: str = Field(title="The namespace; rendered.")
    files: list[str] | None = Field(default=None, title="Patterns of files of the working directory; rendered.")
    files_map: dict[str, Any] | str | None = Field(
        default=None,
        title="Path in the namespace and address in internal storage, or the JSON of that; rendered.",
    )
    destination: str = Field(default="/", title="The folder in the namespace; rendered.")
    conflict: Conflict = Field(default=Conflict.OVERWRITE, title="What happens to a path that is there already.")

    def check(self) -> list[str]:
        return ["files or filesMap is required"] if self.files is None and self.files_map is None else []

    def run(self, context: RunContext) -> UploadFilesOutput:
        try:
            target = context.namespace_files(context.render(self.namespace))
            stored = [path for path, content in self._chosen(context) if self._store(target, path, content)]
        except (PermissionError, ValueError) as error:
            raise TaskFailed(str(error)) from error
        return UploadFilesOutput(files=stored)

    def _chosen(self, context: RunContext) -> Iterator[tuple[str, BinaryIO | Path]]:
        folder = context.render(self.destination).strip("/")
        if self.files is not None:
            work = context.working_directory()
            for file in files_of(work, [context.render(pattern) for pattern in self.files], "files"):
                yield posixpath.join(folder, file.relative_to(work).as_posix()), file
        for name, uri in self._mapped(context).items():
            context.cancellation.check()
            with open_stored(context, uri) as content:
                yield posixpath.join(folder, name.lstrip("/")), content

    def _mapped(self, context: RunContext) -> dict[str, str]:
        if self.files_map is None:
            return {}
        found: Any = (
            context.render(self.files_map) if isinstance(self.files_map, str) else context.render_tree(self.files_map)
        )
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except ValueError as error:
                raise TaskFailed(f"`filesMap` must be a map or the JSON of one: {error}") from error
        if not isinstance(found, dict) or not all(isinstance(uri, str) for uri in found.values()):
            raise TaskFailed("`filesMap` must be a map of paths and addresses, or the JSON of one")
        return found

    def _store(self, target: NamespaceFiles, path: str, content: BinaryIO | Path) -> bool:
        if self.conflict is not Conflict.OVERWRITE and target.exists(path):
            if self.conflict is Conflict.ERROR:
                raise TaskFailed(f"The file '{path}' is in the namespace already, and `conflict` is ERROR")
            return False
        target.put(path, content)
        return True
