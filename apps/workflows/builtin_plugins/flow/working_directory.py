"""WorkingDirectory: its tasks run on one worker, in one folder."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.flow.folder_cache import FolderCache, restore_cache, save_cache
from apps.workflows.builtin_plugins.working_files import (
    NamespaceFiles,
    collect_output_files,
    copy_namespace_files,
    write_input_files,
)
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask, UnitTask
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class WorkingDirectoryOutput(Output):
    """What WorkingDirectory gives."""

    output_files: dict[str, str] = Field(title="Stored files: path and address.")


class WorkingDirectory(BranchingTask, UnitTask, Documented):
    """Run tasks one after another on one worker, in one folder.

    What a task leaves in the folder, the next one finds. Files are brought by `namespaceFiles`, `inputFiles` and
    `cache` before the first task, and kept by `outputFiles` and `cache` after the last one. When the worker is lost,
    all of them run again on another.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two scripts share a file, which is stored at the end.",
            """
id: share
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      names.txt: |
        Ada
        Bob
    outputFiles:
      - "*.csv"
    tasks:
      - id: count
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - wc -l < names.txt > count.txt
      - id: report
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - echo "people,$(cat count.txt)" > report.csv
""",
        ),
        Example(
            "Keep a folder of downloads for a day.",
            """
id: cached
namespace: company.team
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    cache:
      patterns: ["data/**"]
      ttl: P1D
    tasks:
      - id: fill
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - mkdir -p data
          - test -f data/list.txt || date > data/list.txt
""",
        ),
    )

    tasks: list[AnyTask] = Field(title="The tasks, in order; only ones that a worker runs.")
    namespace_files: NamespaceFiles | None = Field(default=None, title="Files of the namespace to copy first.")
    input_files: dict[str, Any] | str | None = Field(
        default=None, title="Files to write first: path and content or `kestra://` address, or the JSON of such a map."
    )
    output_files: list[str] = Field(
        default_factory=list, title="Patterns of files in the folder to store afterwards; rendered."
    )
    cache: FolderCache | None = Field(default=None, title="Files that are kept for the next execution of the flow.")

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": tuple(self.tasks)},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            kind=Kind.WORKING_DIRECTORY,
        )

    def check(self) -> list[str]:
        problems = []
        if not self.tasks:
            problems.append("The 'tasks' property cannot be empty")
        if not all(isinstance(task, RunnableTask) for task in self.tasks):
            problems.append("Only runnable tasks are allowed as children of a WorkingDirectory task")
        if any(task.worker_group is not None for task in self.tasks):
            problems.append(
                "Cannot set a Worker Group in any WorkingDirectory sub-tasks, it is only supported at the "
                "WorkingDirectory level"
            )
        return problems

    def set_up(self, context: RunContext) -> Any:
        folder = context.working_directory()
        if self.namespace_files is not None:
            copy_namespace_files(context, self.namespace_files, folder)
        if self.input_files is not None:
            write_input_files(context, self.input_files, folder)
        return None if self.cache is None else restore_cache(context, self.cache, folder)

    def tear_down(self, context: RunContext, held: Any) -> WorkingDirectoryOutput | None:
        folder = context.working_directory()
        stored = collect_output_files(context, self.output_files, folder)
        if self.cache is not None:
            save_cache(context, self.cache, folder, held)
        return WorkingDirectoryOutput(output_files=stored) if self.output_files else None
