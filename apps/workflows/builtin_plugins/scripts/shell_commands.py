"""Commands: runs shell commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.scripts.script_task import ScriptTask
from apps.workflows.builtin_plugins.working_files import localize
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class Commands(ScriptTask):
    """Run commands in a shell.

    They run one after another in one process; the first that fails ends the task.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write a file and keep it.",
            """
id: shell_commands
namespace: company.team
tasks:
  - id: write
    type: io.kestra.plugin.scripts.shell.Commands
    env:
      GREETING: hello
    outputFiles:
      - "*.txt"
    commands:
      - echo "$GREETING" > greeting.txt
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.write.outputFiles['greeting.txt'] }}"
""",
        ),
    )

    commands: Annotated[list[str], Field(min_length=1, title="The commands, in order; rendered.")]

    def shell_lines(self, context: RunContext, folder: Path, private: Path) -> list[str]:
        return [localize(context, context.render(line), private) for line in self.commands]
