"""Keeps the product's processes running and stops them in order, within a bound. One thread, one select."""

import os
import selectors
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from kestra_ee.launcher.child import Child
from kestra_ee.launcher.children import ChildSpec
from kestra_ee.launcher.console import say, say_of
from kestra_ee.launcher.errors import LauncherError
from kestra_ee.launcher.orphans import MARK, kill_orphans, reap_unknown
from kestra_ee.launcher.parent_death import adopt_orphans
from kestra_ee.launcher.signals import StopSignals

STAGE_SECONDS: Final = 0.5
DRAIN_SECONDS: Final = 5.5
WHOLE_STOP_SECONDS: Final = 9.5
SERVER_HARD_STOP_SECONDS: Final = 1.6
TICK_SECONDS: Final = 0.5


class Server(Protocol):
    """The embedded PostgreSQL, as far as it is supervised."""

    @property
    def pid(self) -> int: ...
    def is_running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self, timeout: float) -> None: ...


class Supervisor:
    """`specs` in the order of stopping. `server`, if any, is running already; it is restarted when it dies and stopped
    last. `mark` is what a later launcher finds leftovers by, should this process be killed."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        environment: Mapping[str, str],
        *,
        folder: Path,
        mark: str,
        signals: StopSignals,
        server: Server | None = None,
    ) -> None:
        self.children = [Child(spec, {**environment, MARK: mark}, folder) for spec in specs]
        self._signals = signals
        self._server = server
        self._server_restart_at = 0.0
        self._server_wait = TICK_SECONDS
        self._takes_orphans = adopt_orphans()
        self._selector = selectors.DefaultSelector()
        self._selector.register(signals.wakeup, selectors.EVENT_READ, None)
        self._next_reap = 0.0

    def run(self, until: Callable[[], bool], *, tick: float = TICK_SECONDS) -> None:
        """Start what does not run, until `until()` is true (asked each `tick` at least) or a stop is requested."""
        while not self._signals.requested and not until():
            self._look_after_server()
            self._notice_ends()
            for child in self.children:
                if child.restart_at is not None and time.monotonic() >= child.restart_at:
                    self._start(child)
            self._pass_lines(self._next_wait(tick))

    def stop(self) -> None:
        """1. SIGTERM in order, the next when the one before is gone or after half a second, 2. SIGKILL to the groups
        of those still there after 5.5 s, or at a second Ctrl-C, 3. what they left behind, 4. the server. Below 10 s."""
        began = time.monotonic()
        not_asked = [child for child in self.children if child.running]
        asked: list[Child] = []
        next_stage = began
        killed = False
        while not_asked or asked:
            now = time.monotonic()
            if not_asked and (now >= next_stage or not asked):
                asked.append(not_asked.pop(0))
                asked[-1].ask_to_stop()
                next_stage = now + STAGE_SECONDS
            if not killed and (now - began > DRAIN_SECONDS or self._signals.urgent):
                killed = True
                asked, not_asked = asked + not_asked, []
                for child in asked:
                    say(f"{child.name} did not stop in time and is killed")
                    child.kill_group()
            self._pass_lines(0.05)
            asked = [child for child in asked if child.ended() is None]
        self._pass_lines(0)
        if self._takes_orphans:
            kill_orphans(self._known(), within=1)
        if self._server is not None:
            left = WHOLE_STOP_SECONDS - SERVER_HARD_STOP_SECONDS - (time.monotonic() - began)
            self._server.stop(timeout=max(0.5, left))
        self._selector.close()

    def _start(self, child: Child) -> None:
        try:
            descriptor = child.start()
        except OSError as error:
            say(f"{child.name} cannot be started: {error}")
            child.postpone()
            return
        self._selector.register(descriptor, selectors.EVENT_READ, child)

    def _notice_ends(self) -> None:
        for child in self.children:
            code = child.ended()
            if code is None or child.restart_at is None:
                continue
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            wait = max(0.0, child.restart_at - time.monotonic())
            say(f"{child.name} ended ({how}), starting it again in {wait:.1f} s")
            if self._takes_orphans:
                kill_orphans(self._known(), within=1)
        if self._takes_orphans and time.monotonic() > self._next_reap:
            self._next_reap = time.monotonic() + 2
            reap_unknown(self._known())

    def _look_after_server(self) -> None:
        server = self._server
        if server is None or server.is_running() or time.monotonic() < self._server_restart_at:
            return
        say("PostgreSQL ended, starting it again")
        try:
            server.start()
        except (LauncherError, OSError) as error:
            say(str(error))
            self._server_restart_at = time.monotonic() + self._server_wait
            self._server_wait = min(self._server_wait * 2, 30)
            return
        self._server_wait = TICK_SECONDS
        say("PostgreSQL runs again")

    def _known(self) -> frozenset[int]:
        server = {self._server.pid} if self._server is not None else set()
        return frozenset(server | {child.pid for child in self.children if child.running})

    def _next_wait(self, tick: float) -> float:
        starts = [child.restart_at for child in self.children if child.restart_at is not None]
        return max(0.0, min([tick, *(at - time.monotonic() for at in starts)]))

    def _pass_lines(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            child = key.data
            if child is None:
                with suppress(BlockingIOError):
                    os.read(key.fd, 4096)
                continue
            lines = child.lines(key.fd)
            if lines is None:
                self._selector.unregister(key.fd)
                os.close(key.fd)
                continue
            for line in filter(None, lines):
                say_of(child.name, line)
