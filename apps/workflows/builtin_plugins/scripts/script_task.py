"""ScriptTask: what the tasks that run scripts and commands share, whatever their language."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from apps.workflows.builtin_plugins.runner.process import Process
from apps.workflows.builtin_plugins.scripts.protocol import ScriptOutput
from apps.workflows.builtin_plugins.working_files import (
    NamespaceFiles,
    collect_output_files,
    copy_namespace_files,
    localize,
    write_input_files,
)
from apps.workflows.plugin_api.documented import DEPRECATED, Documented
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Output, RunnableTask
from apps.workflows.plugin_api.task_runner import Command
from apps.workflows.plugin_api.typed import AnyTaskRunner

PROCESS_TYPE = "io.kestra.plugin.core.runner.Process"
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})


class TargetOs(StrEnum):
    """The system the commands are written for; it chooses the line ends."""

    LINUX = "LINUX"
    WINDOWS = "WINDOWS"
    AUTO = "AUTO"


class RunnerName(StrEnum):
    """The old way to name a task runner."""

    PROCESS = "PROCESS"
    DOCKER = "DOCKER"


class ScriptResult(Output):
    """What a script gives."""

    vars: dict[str, Any] = Field(default_factory=dict, title="The values the script has written as `::{…}::` lines.")
    exit_code: int = Field(title="The exit code.")
    output_files: dict[str, str] = Field(default_factory=dict, title="Stored files: path and address.")


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ScriptTask(RunnableTask, Documented):
    """Base of the script tasks: subclasses say which commands the shell runs."""

    default_image: ClassVar[str] = "ubuntu"
    fixed_env: ClassVar[Mapping[str, str]] = {}

    task_runner: AnyTaskRunner = Field(
        default_factory=lambda: Process(type=PROCESS_TYPE), title="Where the process runs; on the worker by default."
    )
    runner: RunnerName | None = Field(
        default=None, json_schema_extra=DEPRECATED, title="Old name of the task runner; use `taskRunner`."
    )
    docker: dict[str, Any] | None = Field(
        default=None, json_schema_extra=DEPRECATED, title="Old properties of a container; use `taskRunner`."
    )
    container_image: str | None = Field(default=None, title="Image for task runners that use containers; rendered.")
    before_commands: list[str] = Field(
        default_factory=list, title="Commands that run before, in the same shell; rendered."
    )
    env: dict[str, str] = Field(default_factory=dict, title="Variables of the environment; the values are rendered.")
    input_files: dict[str, Any] | str | None = Field(
        default=None, title="Files to write first: path and content or `kestra://` address, or the JSON of such a map."
    )
    output_files: list[str] = Field(
        default_factory=list, title="Patterns of files in the working directory to store afterwards; rendered."
    )
    namespace_files: NamespaceFiles | None = Field(default=None, title="Files of the namespace to copy first.")
    output_directory: bool = Field(
        default=False, json_schema_extra=DEPRECATED, title="Store all files of `OUTPUT_DIR`; use `outputFiles`."
    )
    interpreter: Annotated[
        list[str],
        BeforeValidator(_one_as_list),
        Field(min_length=1, title="The shell, to which the commands are given."),
    ] = ["/bin/sh", "-c"]  # noqa: RUF012 — pydantic copies defaults
    fail_fast: bool = Field(default=True, title="Whether the first command that fails ends the task.")
    warning_on_std_err: bool = Field(default=True, title="Whether a line on stderr makes the task end WARNING.")
    target_os: TargetOs = Field(default=TargetOs.AUTO, alias="targetOS", title="Chooses the line ends of the commands.")

    def shell_lines(self, context: RunContext, folder: Path, private: Path) -> list[str]:
        """The rendered commands. Files they need go to ``folder`` (seen by the user) or ``private`` (not)."""
        raise NotImplementedError

    def own_files(self, context: RunContext, folder: Path) -> list[Path]:
        """Files that the task itself puts into the working directory; they are no outputs."""
        return []

    def check(self) -> list[str]:
        problems = list(self.task_runner.check())
        if self.runner is RunnerName.DOCKER:
            problems.append(f"`runner: DOCKER` is not available; leave it out to run on the worker ({PROCESS_TYPE})")
        return problems

    def advise(self) -> list[str]:
        """See plugin_api.documented.Advising."""
        if self.container_image is not None and isinstance(self.task_runner, Process):
            return ["`containerImage` is ignored: the task runner Process runs the command on the worker itself"]
        return []

    def run(self, context: RunContext) -> ScriptResult:
        folder = context.working_directory()
        # Beside it and named alike, so that the worker's sweep after a crash finds it too.
        private = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        try:
            return self._run(context, folder, private)
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def _run(self, context: RunContext, folder: Path, private: Path) -> ScriptResult:
        results = self._output_folder(folder)
        if self.namespace_files is not None:
            copy_namespace_files(context, self.namespace_files, folder)
        if self.input_files is not None:
            write_input_files(context, self.input_files, folder)
        command = Command(
            arguments=self._arguments(context, folder, private),
            working_directory=folder,
            env=self._environment(context, results),
            image=self._image(context),
        )
        output = ScriptOutput(context)
        code = self.task_runner.run(context, command, output.take)
        for path in self.own_files(context, folder):
            path.unlink(missing_ok=True)
        stored = collect_output_files(context, self.output_files, folder, everything_in=results)
        warns = code == 0 and output.wrote_to_stderr and self.warning_on_std_err
        result = ScriptResult(
            vars=output.vars,
            exit_code=code,
            output_files=stored,
            final_state=State.WARNING if warns else None,
        )
        if code != 0:
            outputs = result.model_dump(mode="json", by_alias=True)
            raise TaskFailed(f"Command failed with exit code {code}", outputs=outputs)
        return result

    def _output_folder(self, folder: Path) -> Path | None:
        if not self.output_directory and self.runner is None:
            return None
        results = folder / f"output-{uuid.uuid4().hex[:12]}"
        results.mkdir()
        return results

    def _image(self, context: RunContext) -> str:
        return context.render(self.container_image) if self.container_image is not None else self.default_image

    def _environment(self, context: RunContext, results: Path | None) -> dict[str, str]:
        output_dir = {} if results is None else {"OUTPUT_DIR": str(results)}
        own = {name: context.render(value) for name, value in self.env.items()}
        return {**self.fixed_env, **output_dir, **own}

    def _arguments(self, context: RunContext, folder: Path, private: Path) -> tuple[str, ...]:
        """The interpreter and one argument. A shell reads the commands from a file that only this user can read, so
        that no secret in them can be seen in the machine's list of processes.
        """
        before = [localize(context, context.render(line), private) for line in self.before_commands]
        lines = [*before, *self.shell_lines(context, folder, private)]
        if self.fail_fast:
            lines.insert(0, "set -e")
        text = ("\r\n" if self.target_os is TargetOs.WINDOWS else "\n").join(lines)
        if Path(self.interpreter[0]).name not in _SHELLS:
            return (*self.interpreter, text)
        file = private / "commands.sh"
        write_private(file, text + "\n")
        return (*self.interpreter, f". '{file}'")


def write_private(path: Path, text: str) -> None:
    """A new file that only this user can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
