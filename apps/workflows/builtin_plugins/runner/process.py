"""Process: a task runner that starts the command as a process of the worker's machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.runner.environment import user_environment
from apps.workflows.builtin_plugins.runner.limits import Limits
from apps.workflows.builtin_plugins.runner.line_reader import LineReader
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task_runner import Command, OnLine, TaskRunner

GRACE_SECONDS = 5.0
"""Between the polite signal and the one that cannot be refused."""
DRAIN_SECONDS = 5.0
"""How long output is still read after the end: a pipe that an escaped process holds open must not hold the worker."""


class Process(TaskRunner, Documented):
    """Run the command as a process on the worker.

    It gets a session, a folder and an environment of its own. When the execution is killed or the task's time is up,
    the process and all it started are asked to end, and killed after five seconds.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "A shell command with limits.",
            """
id: limited
namespace: company.team
tasks:
  - id: limited
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner:
      type: io.kestra.plugin.core.runner.Process
      limits:
        memory: 512MB
        cpuTime: PT1M
    commands:
      - echo "hello from $WORKING_DIR"
""",
        ),
    )

    limits: Limits = Field(default_factory=Limits, title="What the process may use of the machine.")

    def run(self, context: RunContext, command: Command, on_line: OnLine) -> int:
        context.cancellation.check()
        process = self._start(command)
        group = _ProcessGroup(process)
        forget = context.cancellation.on_cancel(group.end)
        try:
            readers = [
                LineReader(process.stdout, False, on_line, group.end),
                LineReader(process.stderr, True, on_line, group.end),
            ]
            group.wait()
            for reader in readers:
                reader.finish(DRAIN_SECONDS)
        finally:
            forget()
            group.close()
        context.cancellation.check()
        code = process.returncode
        return code if code >= 0 else 128 - code

    def _start(self, command: Command) -> subprocess.Popen[bytes]:
        arguments = self.limits.wrap(command.arguments)
        environment = user_environment(os.environ, command.working_directory, command.env)
        try:
            return subprocess.Popen(  # noqa: S603 — running what the user wrote is this task's purpose
                arguments,
                cwd=command.working_directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise TaskFailed(f"Cannot start `{arguments[0]}`: {error}") from error


class _ProcessGroup:
    """A process and all that it started and that stayed in its session. Safe to end from any thread."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lock = threading.Lock()
        self.reaped = False
        self.killer: threading.Timer | None = None

    def end(self) -> None:
        """Ask it to end; kill it when it has not after the grace."""
        with self.lock:
            if self.killer is not None or self.reaped:
                return
            self.killer = threading.Timer(GRACE_SECONDS, self._signal, [signal.SIGKILL])
            self.killer.daemon = True
            self.killer.start()
        self._signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait for the process, then kill what it left running.

        The process is looked at before it is reaped: until then its number cannot be given to another one.
        """
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self.close()

    def close(self) -> None:
        """Kill whatever is left and reap it."""
        self._signal(signal.SIGKILL)
        with self.lock:
            if self.killer is not None:
                self.killer.cancel()
            self.process.wait()
            self.reaped = True

    def _signal(self, number: int) -> None:
        with self.lock:
            if self.reaped:
                return
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return  # all of the group have ended by themselves
