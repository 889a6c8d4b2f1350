"""The second thread of a worker process: heartbeat, and a look after whatever task runs for longer.

Three times a second it writes the running task's log, looks whether its claim still holds, and sees to its time-out.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction

from apps.common.clock import now as read_clock
from apps.common.ids import new_id
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.workflows.engine.events import WorkerLost
from apps.workflows.execution_store.claims import still_held
from apps.workflows.execution_store.save import insert_logs, insert_metrics
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.processes import HEARTBEAT, beat, register_process, sign_off
from apps.workflows.worker.cancellation import Reason
from apps.workflows.worker.run_context import TaskRunContext

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.3
"""Seconds between looks at a running task."""


@dataclass
class Running:
    """The task a process runs now. ``deadline`` is on the monotonic clock; None: no time-out."""

    tenant: str
    context: TaskRunContext
    deadline: float | None
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Orphan:
    """A claim of ours that may or may not stand in the database and that we do not work on: to be given back."""

    tenant: str
    execution_id: str
    run_id: str
    token: str


class Pulse:
    """One per worker process. ``process_id`` starts the process's claim tokens."""

    def __init__(self, kind: str, worker_group: str, version: str) -> None:
        self.kind = kind
        self.worker_group = worker_group
        self.version = version
        self.process_id = new_id()
        self._registered = False
        self._lock = threading.Lock()
        self._running: Running | None = None
        self._orphans: list[Orphan] = []
        self._awake = threading.Event()
        self._ended = threading.Event()
        self._next_beat = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Register the process and start the thread."""
        self._register()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and sign off; claims that are left are found by the next look for lost processes."""
        self._ended.set()
        self._awake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        try:
            with public_scope():
                sign_off(self.process_id)
        except DatabaseError as error:
            log.warning("could not sign off; the heartbeat's end tells it", error=str(error).strip())

    def begin(self, running: Running) -> None:
        """A task starts."""
        with self._lock:
            self._running = running
        if running.deadline is not None:
            self._awake.set()

    def end(self) -> None:
        """It is over."""
        with self._lock:
            self._running = None

    def give_back(self, orphan: Orphan) -> None:
        """Give a claim back as soon as the database can be reached; tried until it succeeds."""
        with self._lock:
            self._orphans.append(orphan)
        self._awake.set()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._awake.wait(self._pause())
                self._awake.clear()
                self._turn()
        finally:
            connection.close()

    def _pause(self) -> float:
        with self._lock:
            running, orphans = self._running, bool(self._orphans)
        pause = LOOK_EVERY if running is not None or orphans else min(LOOK_EVERY * 2, HEARTBEAT.total_seconds())
        if running is not None and running.deadline is not None:
            pause = min(pause, max(running.deadline - time.monotonic(), 0.01))
        return pause

    def _turn(self) -> None:
        with self._lock:
            running = self._running
        if running is not None and running.deadline is not None and time.monotonic() >= running.deadline:
            running.context.cancellation.cancel(Reason.TIMED_OUT)
        try:
            self._beat()
            if running is not None and time.monotonic() - running.since >= LOOK_EVERY:
                self._look_after(running)
            self._give_back_orphans()
        except (DatabaseError, InterfaceError) as error:
            # The database is away: the next turn tries again on a new connection.
            log.warning("pulse could not reach the database", error=str(error).strip())
            connection.close()
        except Exception:
            # Whatever it is: without this thread's heartbeat the process would lose all its claims.
            log.exception("a turn of the pulse failed")

    def _register(self) -> None:
        with public_scope():
            register_process(self.process_id, self.kind, self.worker_group, self.version, read_clock())
        self._registered = True
        self._next_beat = time.monotonic() + HEARTBEAT.total_seconds()

    def _beat(self) -> None:
        if time.monotonic() < self._next_beat:
            return
        with public_scope():
            alive = beat(self.process_id, read_clock())
        self._next_beat = time.monotonic() + HEARTBEAT.total_seconds()
        if not alive:
            # We were away for so long that our claims were given back; new ones need a new name.
            log.warning("process was declared lost and starts anew", process=self.process_id)
            self.process_id = new_id()
            self._register()

    def _look_after(self, running: Running) -> None:
        context = running.context
        with tenant_scope(running.tenant):
            self._flush(context)
            if not still_held(context.run.id, context.run.token or ""):
                context.cancellation.cancel(Reason.KILLED)

    def _flush(self, context: TaskRunContext) -> None:
        lines, metrics = context.logs.take()
        try:
            with transaction.atomic():
                if lines:
                    insert_logs(context.execution_id, context.facts.flow_ref, lines)
                if metrics:
                    insert_metrics(context.execution_id, context.facts.flow_ref, metrics)
        except DatabaseError:
            context.logs.give_back(lines, metrics)
            raise

    def _give_back_orphans(self) -> None:
        with self._lock:
            orphans = list(self._orphans)
        for orphan in orphans:
            try:
                with tenant_scope(orphan.tenant):
                    advance_execution(orphan.execution_id, WorkerLost(orphan.run_id, orphan.token))
            except UnknownTenant:
                log.warning("a claim went with its tenant", tenant=orphan.tenant, run=orphan.run_id)
            with self._lock:
                self._orphans.remove(orphan)
