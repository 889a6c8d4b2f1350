"""One supervised process: started in a group of its own, its output cut into lines, its end noticed."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from kestra_ee.launcher.children import ChildSpec
from kestra_ee.launcher.orphans import has_children
from kestra_ee.launcher.parent_death import signal_when_parent_dies

FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 30.0
STEADY_SECONDS: Final = 60.0
LONGEST_LINE: Final = 64_000


class Child:
    """Restarted by its supervisor: `restart_at` is None while it runs, else when to start again."""

    def __init__(self, spec: ChildSpec, environment: Mapping[str, str], folder: Path) -> None:
        self.name = spec.name
        self.deaths = 0
        self.restart_at: float | None = 0.0
        self._command = list(spec.command)
        self._forks = spec.forks
        self._environment = {**environment, **spec.environment}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._wait = FIRST_WAIT
        self._unfinished = b""

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def loaded(self) -> bool:
        """It runs and, if its work is done by processes it forks, has forked them."""
        return self._process is not None and (not self._forks or has_children(self._process.pid))

    def start(self) -> int:
        """Returns the descriptor its lines come from (not blocking)."""
        read_end, write_end = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # from children.py
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
                preexec_fn=signal_when_parent_dies(signal.SIGTERM),  # asks the kernel, nothing else
            )
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)
        os.set_blocking(read_end, False)
        self._started = time.monotonic()
        self.restart_at = None
        return read_end

    def lines(self, descriptor: int) -> list[str] | None:
        """What has been written since; None at the end of the output."""
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return []
        if not data:
            rest, self._unfinished = self._unfinished, b""
            return [_text(rest)] if rest else None
        *whole, self._unfinished = (self._unfinished + data).split(b"\n")
        if len(self._unfinished) > LONGEST_LINE:
            whole.append(self._unfinished)
            self._unfinished = b""
        return [_text(line) for line in whole]

    def ended(self) -> int | None:
        """Its exit code (minus a signal's number) once, when it has ended; plans the next start, later each time
        unless it had run steadily."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        self.kill_group()  # whatever it started and did not wait for
        self._process = None
        now = time.monotonic()
        if now - self._started > STEADY_SECONDS:
            self._wait = FIRST_WAIT
        self.deaths += 1
        self.restart_at = now + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT)
        return code

    def postpone(self) -> None:
        """It could not even be started: try again later."""
        self.restart_at = time.monotonic() + self._wait
        self._wait = min(self._wait * 2, LONGEST_WAIT)

    def ask_to_stop(self) -> None:
        """To the process alone: its own children end with it, in its order."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def kill_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip()
