"""TaskRunner: where and how the process of a script task is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from apps.workflows.plugin_api.model import PluginModel

if TYPE_CHECKING:
    from apps.workflows.plugin_api.run_context import RunContext


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, its folder and the variables added to its environment."""

    arguments: tuple[str, ...]
    working_directory: Path
    env: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None


OnLine = Callable[[str, bool], None]
"""Receives each line as it is written, without its end; True when it came from stderr. Called from other threads."""


class TaskRunner(PluginModel):
    """What all task runners share."""

    type: str = Field(title="The kind of task runner.")

    def run(self, context: RunContext, command: Command, on_line: OnLine) -> int:
        """Run the command to its end and answer its exit code.

        TaskKilled or TaskTimedOut when the task has to stop; nothing of the command is left running then.
        TaskFailed when it cannot be started.
        """
        raise NotImplementedError

    def check(self) -> list[str]:
        """What is wrong beyond types, as sentences; called when a flow is saved."""
        return []
