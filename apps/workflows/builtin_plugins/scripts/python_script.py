"""Script: runs a Python script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.scripts.python_environment import PYTHON_ENV, PYTHON_IMAGE
from apps.workflows.builtin_plugins.scripts.script_task import ScriptTask, write_private
from apps.workflows.builtin_plugins.working_files import localize
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class Script(ScriptTask):
    """Run a Python script.

    The script is written into the working directory, so it can import what `inputFiles` puts beside it. The module
    `kestra` hands values to later tasks.
    """

    default_image: ClassVar[str] = PYTHON_IMAGE
    fixed_env: ClassVar[Mapping[str, str]] = PYTHON_ENV
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Compute a value and use it in the next task.",
            """
id: python_script
namespace: company.team
tasks:
  - id: compute
    type: io.kestra.plugin.scripts.python.Script
    script: |
      from kestra import Kestra

      total = sum(range(10))
      Kestra.outputs({"total": total})
      Kestra.counter("rows", 10)
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "The total is {{ outputs.compute.vars.total }}"
""",
        ),
    )

    script: str = Field(title="The script; rendered.")

    def shell_lines(self, context: RunContext, folder: Path, private: Path) -> list[str]:
        text = localize(context, context.render(self.script), private)
        (file,) = self.own_files(context, folder)
        write_private(file, text)
        return [f"python '{file}'"]

    def own_files(self, context: RunContext, folder: Path) -> list[Path]:
        return [folder / f"script-{context.task_run_id}.py"]
