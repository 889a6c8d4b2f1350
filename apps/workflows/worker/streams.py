"""Triggers that listen, beside the tasks of a worker process: threads that take no task slot, each under a lease.

One thread per process keeps them: it renews the leases, opens streams that are free and ends those that were lost, and
hands their events to the database by its own one connection, so that a thousand quiet streams hold none.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any, Final, ParamSpec, TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from apps.common.clock import now as read_clock
from apps.common.ids import new_id
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.timers.services import HeldLease, drop_tenant_timers, give_lease_back, renew_leases, take_leases
from apps.workflows.engine.frontier import Change, RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.trigger import RealtimeTrigger, StreamEvent
from apps.workflows.services.streams import LEASE, Line, StreamLost, accept_event, close_stream, keep_lines, open_stream
from apps.workflows.services.trigger_starts import TriggeredFlow
from apps.workflows.services.trigger_states import STREAM_LEASE
from apps.workflows.worker.cancellation import Reason
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.run_context import TaskRunContext

log = structlog.get_logger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

TURN_SECONDS: Final = 1.0
"""Between two looks for lost and free streams; also how soon a change of the flow reaches its stream."""
TAKEN_PER_TURN: Final = 4
"""A few, so that several processes share what is free."""
MOST_STREAMS: Final = 200
RETRY_SECONDS: Final = 0.5
"""Before an event is offered again to a database that was away."""
STOP_SECONDS: Final = 3.0
"""How long a process that ends waits for its streams."""
SILENT_SECONDS: Final = LEASE.total_seconds() * 0.75
"""A process that could not renew for so long ends its streams: somebody else may have them soon."""


def _without_connection(method: Callable[P, T]) -> Callable[P, T]:
    """The method, and afterwards the thread's database connection is closed: a stream may wait for days."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        finally:
            connection.close()

    return call


class StreamContext(TaskRunContext):
    """A stream's context: what asks the database gives the connection back."""

    render = _without_connection(TaskRunContext.render)
    render_typed = _without_connection(TaskRunContext.render_typed)
    render_tree = _without_connection(TaskRunContext.render_tree)
    secret = _without_connection(TaskRunContext.secret)


def _generator(events: Iterator[StreamEvent]) -> Generator[StreamEvent, None, None]:
    """The same, in a form that can be closed: what a plugin opened is closed when its stream stops."""
    yield from events


@dataclass(eq=False)
class Stream:
    """One stream that this process holds. ``ended`` is set by its thread, after all its events."""

    lease: HeldLease
    trigger: RealtimeTrigger
    context: StreamContext
    logs: LogCapture
    events: queue.SimpleQueue[tuple[Stream, StreamEvent]]
    accepted: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    error: str | None = None
    thread: threading.Thread | None = None

    @property
    def number(self) -> int:
        """The number of the trigger's row."""
        return int(self.lease.key)

    def run(self) -> None:
        """The thread: what the plugin yields is handed over, one event after another."""
        try:
            with tenant_scope(self.lease.tenant), closing(_generator(self.trigger.stream(self.context))) as events:
                for event in events:
                    if self.context.cancellation.cancelled():
                        return
                    self.accepted.clear()
                    self.events.put((self, event))
                    self.accepted.wait()
                    if self.context.cancellation.cancelled():
                        return  # whether the event was accepted is not known: it must not be acknowledged
        except Exception as error:
            # Plugin code may raise anything; whatever it is ends this stream and is told in the trigger's log.
            if not self.context.cancellation.cancelled():
                self.error = self.logs.masked(str(error) or type(error).__name__)
        finally:
            connection.close()
            self.ended.set()

    def stop(self) -> None:
        """Tell the plugin to stop."""
        self.context.cancellation.cancel(Reason.KILLED)
        self.accepted.set()

    def lines(self) -> list[Line]:
        """What it has logged since the last time."""
        return [(line.level, line.moment, line.message) for line in self.logs.take()[0]]


class StreamKeeper:
    """The streams of one worker process. ``worker_id`` says who it is now; ``groups`` whose streams it takes."""

    def __init__(self, worker_id: Callable[[], str], groups: frozenset[str]) -> None:
        self._worker_id = worker_id
        self._groups = sorted(groups)
        self._streams: dict[str, Stream] = {}
        self._events: queue.SimpleQueue[tuple[Stream, StreamEvent]] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._renewed = time.monotonic()
        self._next_turn = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to keep streams."""
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all streams and give their leases back; what does not end in time is left to the leases' end."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=STOP_SECONDS + 2)

    @property
    def held(self) -> list[Stream]:
        """The streams of this process."""
        return list(self._streams.values())

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._safely(self._turn_if_due)
                try:
                    stream, event = self._events.get(timeout=max(0.01, min(0.2, self._next_turn - time.monotonic())))
                except queue.Empty:
                    continue
                self._safely(partial(self._accept, stream, event))
            self._end_all()
        finally:
            connection.close()

    def _safely(self, do: Callable[[], None]) -> None:
        try:
            do()
        except (DatabaseError, InterfaceError) as error:
            log.warning("streams could not reach the database", error=str(error).strip())
            connection.close()
        except Exception:
            # Whatever it is: without this thread the process would hold streams that nobody renews.
            log.exception("a turn of the streams failed")

    def _turn_if_due(self) -> None:
        now = time.monotonic()
        if now < self._next_turn:
            return
        self._next_turn = now + TURN_SECONDS
        if now - self._renewed > SILENT_SECONDS:
            for stream in self.held:
                stream.stop()
        self._close_ended()
        with public_scope():
            asked = time.monotonic()
            kept = renew_leases(list(self._streams), LEASE) if self._streams else set()
            self._renewed = asked
            for token, stream in list(self._streams.items()):
                if token not in kept:
                    stream.stop()
            free = min(TAKEN_PER_TURN, MOST_STREAMS - len(self._streams))
            tokens = [f"{self._worker_id()}:{new_id()}" for _ in range(free)]
            taken = take_leases(STREAM_LEASE, self._groups, tokens, LEASE) if tokens else []
        for lease in taken:
            self._open(lease)
        for stream in self.held:
            if lines := stream.lines():
                with tenant_scope(stream.lease.tenant):
                    keep_lines(stream.number, lines)

    def _open(self, lease: HeldLease) -> None:
        try:
            with tenant_scope(lease.tenant):
                try:
                    found = open_stream(int(lease.key), self._worker_id())
                except InvalidFlow as error:
                    message = f"The flow can no longer be read: {error}"
                    close_stream(int(lease.key), lease.token, [], error=message, asked_to_stop=False)
                    return
                if found is None or not isinstance(found.trigger, RealtimeTrigger):
                    return
                stream = _stream_of(lease, found, found.trigger, self._events)
        except UnknownTenant:
            drop_tenant_timers(lease.tenant)
            return
        except Exception:
            with public_scope():
                give_lease_back(lease.token, failed=True)
            raise
        self._streams[lease.token] = stream
        stream.thread = threading.Thread(target=stream.run, name=f"stream {lease.key}", daemon=True)
        stream.thread.start()

    def _accept(self, stream: Stream, event: StreamEvent) -> None:
        """Until it is accepted the stream waits. A database that is away is waited for while the lease may last."""
        if stream.context.cancellation.cancelled():
            stream.accepted.set()
            return
        try:
            with tenant_scope(stream.lease.tenant):
                accept_event(stream.number, stream.lease.token, event, stream.lines())
        except StreamLost:
            stream.stop()
        except (OperationalError, InterfaceError):
            self._events.put((stream, event))
            self._ended.wait(RETRY_SECONDS)
            raise
        except Exception as error:
            # Not the database: this event cannot be accepted. It stays unacknowledged, and the stream is opened again.
            stream.error = stream.logs.masked(str(error) or type(error).__name__)
            stream.stop()
        stream.accepted.set()

    def _close_ended(self) -> None:
        for token, stream in list(self._streams.items()):
            if stream.ended.is_set():
                self._close(stream)
                del self._streams[token]

    def _close(self, stream: Stream) -> None:
        stopped = stream.context.cancellation.cancelled() and stream.error is None
        try:
            with tenant_scope(stream.lease.tenant):
                close_stream(
                    stream.number, stream.lease.token, stream.lines(), error=stream.error, asked_to_stop=stopped
                )
        except UnknownTenant:
            drop_tenant_timers(stream.lease.tenant)
        stream.context.close()

    def _end_all(self) -> None:
        for stream in self.held:
            stream.stop()
        until = time.monotonic() + STOP_SECONDS
        for stream in self.held:
            stream.ended.wait(max(0.0, until - time.monotonic()))
        self._safely(self._close_ended)


def _stream_of(
    lease: HeldLease,
    of: TriggeredFlow,
    trigger: RealtimeTrigger,
    events: queue.SimpleQueue[tuple[Stream, StreamEvent]],
) -> Stream:
    now = read_clock()
    logs = LogCapture(new_id(), trigger.id, 0, trigger.log_level)
    shown: dict[str, Any] = {"id": trigger.id, "type": trigger.type}
    facts = ExecutionFacts(
        id=new_id(),
        namespace=of.source.namespace,
        flow_id=of.source.flow_id,
        flow_revision=of.source.revision,
        flow_ref=of.source.flow_ref,
        inputs={},
        variables={},
        trigger=shown,
        labels=[],
        start_date=now,
        original_id=None,
    )
    run = RunRow(id=logs.task_run_id, task_id=trigger.id, state=State.RUNNING, histories=[Change(State.RUNNING, now)])
    return Stream(lease, trigger, StreamContext(lease.tenant, facts, of.flow, run, logs), logs, events)
