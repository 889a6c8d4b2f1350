"""Concat: puts stored files together into one."""

from __future__ import annotations

import json
import shutil
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class ConcatOutput(Output):
    """What Concat gives."""

    uri: str = Field(title="The address of the new file.")


class Concat(RunnableTask, Documented):
    """Put stored files together into one, in the order they are given."""

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two files become one.",
            """
id: together
namespace: company.team
inputs:
  - id: first
    type: FILE
  - id: second
    type: FILE
tasks:
  - id: join
    type: io.kestra.plugin.core.storage.Concat
    files:
      - "{{ inputs.first }}"
      - "{{ inputs.second }}"
    extension: .csv
""",
        ),
    )

    files: list[str] | str = Field(title="The addresses of the files, or the JSON of a list of them; rendered.")
    separator: str | None = Field(default=None, title="What is written after each file, as it stands here.")
    extension: str = Field(default=".tmp", title="The end of the new file's name.")

    def run(self, context: RunContext) -> ConcatOutput:
        with new_part() as joined:
            for uri in self._addresses(context):
                context.cancellation.check()
                with open_stored(context, uri) as content:
                    shutil.copyfileobj(content, joined)
                if self.separator is not None:
                    joined.write(self.separator.encode())
            joined.seek(0)
            return ConcatOutput(uri=context.storage.put(joined, f"concat{self.extension}"))

    def _addresses(self, context: RunContext) -> list[str]:
        found: Any = context.render(self.files) if isinstance(self.files, str) else context.render_tree(self.files)
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except ValueError as error:
                raise TaskFailed(f"`files` must be a list of addresses or the JSON of one: {error}") from error
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise TaskFailed("`files` must be a list of addresses or the JSON of one")
        return found
