"""How a kill, a lost claim or a time-out reaches a running task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

import structlog

from apps.workflows.plugin_api.errors import TaskKilled, TaskTimedOut

log = structlog.get_logger(__name__)


class Reason(StrEnum):
    """Why a task must stop."""

    KILLED = "killed"
    TIMED_OUT = "timed out"


class TaskCancellation:
    """One task run's cancellation: set once, from any thread; the first reason stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: Reason | None = None
        self._stops: list[Callable[[], None]] = []

    @property
    def reason(self) -> Reason | None:
        """Why it must stop, or None."""
        return self._reason

    def cancelled(self) -> bool:
        """True once the task must stop."""
        return self._reason is not None

    def check(self) -> None:
        """Raise when the task must stop."""
        if self._reason is Reason.KILLED:
            raise TaskKilled("The execution was killed")
        if self._reason is Reason.TIMED_OUT:
            raise TaskTimedOut("Timeout")

    def on_cancel(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Call ``stop`` when the task must stop, at once if it must already; the answer takes it back."""
        with self._lock:
            late = self._reason is not None
            if not late:
                self._stops.append(stop)
        if late:
            stop()

        def take_back() -> None:
            with self._lock:
                if stop in self._stops:
                    self._stops.remove(stop)

        return take_back

    def cancel(self, reason: Reason) -> None:
        """Make the task stop. A ``stop`` that fails is logged; the others are called all the same."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            stops, self._stops = self._stops, []
        for stop in stops:
            try:
                stop()
            except Exception:
                # A stop is plugin code; one that fails must not keep the others from stopping.
                log.exception("a task's stop failed")
