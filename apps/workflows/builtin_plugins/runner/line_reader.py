"""LineReader: hands on the lines of a process as they come, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import IO

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.task_runner import OnLine

MAX_LINE_BYTES = 1024 * 1024
"""A longer line is cut, so that a process without line ends cannot fill the worker's memory."""


class LineReader:
    """Reads one stream from its start to its end. An error of the receiver ends the process and is raised later."""

    def __init__(self, stream: IO[bytes] | None, from_stderr: bool, on_line: OnLine, stop: Callable[[], None]) -> None:
        if stream is None:
            raise ValueError("The process was started without a pipe")
        self.stream = stream
        self.from_stderr = from_stderr
        self.on_line = on_line
        self.stop = stop
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._read, name="task-output", daemon=True)
        self.thread.start()

    def finish(self, seconds: float) -> None:
        """Wait for the end of the stream. Raises what the receiver raised; TaskFailed when the stream does not end."""
        self.thread.join(seconds)
        if self.error is not None:
            raise self.error
        if self.thread.is_alive():
            raise TaskFailed("A process that the command started in a session of its own keeps its output open")

    def _read(self) -> None:
        with self.stream:
            while line := self.stream.readline(MAX_LINE_BYTES):
                cut = len(line) == MAX_LINE_BYTES and not line.endswith(b"\n")
                if cut:
                    self._skip_rest()
                if self.error is None:
                    self._hand_on(line, cut)

    def _skip_rest(self) -> None:
        while rest := self.stream.readline(MAX_LINE_BYTES):
            if rest.endswith(b"\n"):
                return

    def _hand_on(self, line: bytes, cut: bool) -> None:
        # Neither the database nor JSON can hold NUL.
        text = line.decode(errors="replace").rstrip("\r\n").replace("\x00", "\ufffd")
        try:
            self.on_line(text + (" … (line cut)" if cut else ""), self.from_stderr)
        except Exception as error:
            # It belongs to the thread that waits for the process; finish() raises it there.
            self.error = error
            self.stop()
