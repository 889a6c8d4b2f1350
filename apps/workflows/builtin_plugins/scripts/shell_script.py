"""Script: runs a shell script."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.scripts.script_task import ScriptTask
from apps.workflows.builtin_plugins.working_files import localize
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class Script(ScriptTask):
    """Run a shell script.

    A line `::{"outputs": {…}}::` on its output hands values to later tasks.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Hand a value to the next task.",
            """
id: shell_script
namespace: company.team
tasks:
  - id: count
    type: io.kestra.plugin.scripts.shell.Script
    script: |
      rows=$(seq 1 5 | wc -l)
      echo '::{"outputs": {"rows": '"$rows"'}}::'
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.count.vars.rows }} rows"
""",
        ),
    )

    script: str = Field(title="The script; rendered.")

    def shell_lines(self, context: RunContext, folder: Path, private: Path) -> list[str]:
        return [localize(context, context.render(self.script), private)]
