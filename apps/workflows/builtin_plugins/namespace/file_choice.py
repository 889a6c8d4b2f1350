"""FileChoice: the files of a namespace that paths and patterns name."""

from __future__ import annotations

import json

from pydantic import Field

from apps.workflows.builtin_plugins.working_files import is_namespace_file
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import NamespaceFiles, RunContext
from apps.workflows.plugin_api.task import RunnableTask


class FileChoiceTask(RunnableTask):
    """Base of the tasks on files of a namespace."""

    namespace: str = Field(title="The namespace; rendered.")
    files: list[str] | str = Field(title="Paths or patterns of files, one or several; rendered.")

    def chosen(self, context: RunContext) -> tuple[NamespaceFiles, list[str]]:
        """The namespace's files, and the paths that are meant. TaskFailed when it is not allowed to this flow."""
        try:
            held = context.namespace_files(context.render(self.namespace))
        except (PermissionError, ValueError) as error:
            raise TaskFailed(str(error)) from error
        patterns = self._patterns(context)
        paths = [path for path in held.paths() if any(is_namespace_file(pattern, path) for pattern in patterns)]
        return held, paths

    def _patterns(self, context: RunContext) -> list[str]:
        if not isinstance(self.files, str):
            return [context.render(pattern) for pattern in self.files]
        text = context.render(self.files)
        try:
            found = json.loads(text)
        except ValueError:
            return [text]
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return found
        return [text]
