"""Ctrl-C, SIGTERM and a closed terminal: an exception while starting, a flag and a wake-up while supervising."""

import signal
import socket
import time
from types import FrameType, TracebackType
from typing import Final, Self

STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# `make` passes on a SIGTERM its child may have had already: only a later one is a second wish.
ONE_WISH_SECONDS: Final = 1.0


class StopRequested(BaseException):
    """Someone wants the launcher to stop; like KeyboardInterrupt no error, so that no handler of errors eats it."""


class StopSignals:
    """Within the `with` block the stopping signals arrive here. `raises` is true first; `quietly()` makes it a flag."""

    def __init__(self) -> None:
        self.requested = False
        self.urgent = False
        self._raises = True
        self._first = 0.0
        self._old_handlers: dict[int, object] = {}
        self._old_wakeup = -1
        self.wakeup, self._wakeup_sender = socket.socketpair()
        self.wakeup.setblocking(False)
        self._wakeup_sender.setblocking(False)

    def quietly(self) -> None:
        """From now on no exception. Raises the last one if the wish came before."""
        self._raises = False
        if self.requested:
            raise StopRequested

    def __enter__(self) -> Self:
        for number in STOPPING:
            self._old_handlers[number] = signal.signal(number, self._stop)
        self._old_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        # Any signal, a child's end too, makes `wakeup` readable: the supervisor's select returns at once.
        self._old_wakeup = signal.set_wakeup_fd(self._wakeup_sender.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal itself gave
        self.wakeup.close()
        self._wakeup_sender.close()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.requested:
            self.urgent = self.urgent or now - self._first > ONE_WISH_SECONDS
            return
        self.requested, self._first = True, now
        if self._raises:
            raise StopRequested
