"""DeleteFiles: removes files of a namespace."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.namespace.file_choice import FileChoiceTask
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext


class DeleteFiles(FileChoiceTask, Documented):
    """Remove files of a namespace."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Remove a folder's temporary files.",
            """
id: sweep
namespace: company.team
tasks:
  - id: delete
    type: io.kestra.plugin.core.namespace.DeleteFiles
    namespace: "{{ flow.namespace }}"
    files: ["/tmp/**"]
""",
        ),
    )

    def run(self, context: RunContext) -> None:
        held, paths = self.chosen(context)
        deleted = 0
        for path in paths:
            context.cancellation.check()
            deleted += held.delete(path)
        context.metric("counter", "deleted", deleted)
