"""Commands: runs commands that use Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.scripts.python_environment import PYTHON_ENV, PYTHON_IMAGE
from apps.workflows.builtin_plugins.scripts.script_task import ScriptTask
from apps.workflows.builtin_plugins.working_files import localize
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class Commands(ScriptTask):
    """Run commands in a shell with Python.

    For programs of several files, given as `inputFiles`.
    """

    default_image: ClassVar[str] = PYTHON_IMAGE
    fixed_env: ClassVar[Mapping[str, str]] = PYTHON_ENV
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A program of its own file.",
            """
id: python_commands
namespace: company.team
tasks:
  - id: run
    type: io.kestra.plugin.scripts.python.Commands
    inputFiles:
      main.py: |
        print("hello from a file")
    commands:
      - python main.py
""",
        ),
    )

    commands: Annotated[list[str], Field(min_length=1, title="The commands, in order; rendered.")]

    def shell_lines(self, context: RunContext, folder: Path, private: Path) -> list[str]:
        return [localize(context, context.render(line), private) for line in self.commands]
