"""Following live events: one reader per process, a bounded queue per listener, no connection held per stream."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from asgiref.sync import SyncToAsync
from django.db import DatabaseError, connection

from apps.common.namespace_paths import is_within_any
from apps.live.selectors import PAGE, EventRow, Position, parse_position, read_events, read_horizon

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0
QUEUE_SIZE: Final = 256
READY_SECONDS: Final = 10.0
ALL_EXECUTIONS: Final = "executions"
"""The topic of every execution's events; `exec:<id>` is that of one."""
ANNOUNCEMENTS: Final = "announce"
"""The topic of what everybody is told."""
ALL_TENANTS: Final = ""
"""In place of a tenant: the event is for the listeners of all of them."""
RESYNC: Final = "resync"
"""Kind of the event that says: some were missed, read again what you show."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `id` is where a client goes on by Last-Event-ID."""

    id: str
    topic: str
    namespace: str
    kind: str
    data: dict[str, Any]


class ReaderNotReady(ConnectionError):
    """The process's reader of live events could not reach the database."""


async def subscribe(
    tenant: str,
    topics: Iterable[str],
    last_event_id: str | None = None,
    *,
    namespaces: Iterable[str] | None = None,
) -> AsyncIterator[Event]:
    """Events of a tenant's topics as they are committed, for ever; after `last_event_id` those missed come first.

    `namespaces`: what the listener may see (rbac's `visible_namespaces`), None for all. A listener that falls behind
    QUEUE_SIZE events, or comes back after more than PAGE, gets one event of kind RESYNC instead. ReaderNotReady.
    """
    async with listening(tenant, topics, last_event_id, namespaces=namespaces) as events:
        async for event in events:
            yield event


@asynccontextmanager
async def listening(
    tenant: str,
    topics: Iterable[str],
    last_event_id: str | None = None,
    *,
    namespaces: Iterable[str] | None = None,
) -> AsyncIterator[AsyncIterator[Event]]:
    """The same as a block: inside, nothing committed from now on is missed: state read there is a safe start."""
    listener = _Listener(
        tenant,
        frozenset(topics),
        None if namespaces is None else tuple(namespaces),
        asyncio.get_running_loop(),
        asyncio.Queue(QUEUE_SIZE),
    )
    _HUB.add(listener)
    try:
        await asyncio.to_thread(_HUB.wait_until_ready)
        yield _events(listener, parse_position(last_event_id))
    finally:
        _HUB.remove(listener)


async def _events(listener: _Listener, since: Position | None) -> AsyncIterator[Event]:
    done = Position(0)
    if since is not None:
        missed, complete = await asyncio.to_thread(_read_missed, listener.tenant, since)
        done = since
        if complete:
            for row in missed:
                done = row.position
                if listener.wants(row):
                    yield _event(row)
        else:
            yield _resync(since)
    while True:
        item = await listener.queue.get()
        if isinstance(item, Event):
            yield item
        elif item.position > done:
            yield _event(item)


@dataclass(eq=False, slots=True)
class _Listener:
    tenant: str
    topics: frozenset[str]
    namespaces: tuple[str, ...] | None
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[EventRow | Event]

    def wants(self, row: EventRow) -> bool:
        if row.tenant not in (self.tenant, ALL_TENANTS):
            return False
        # what has no namespace is about the tenant itself
        if row.namespace and self.namespaces is not None and not is_within_any(row.namespace, self.namespaces):
            return False
        return row.topic in self.topics or (ALL_EXECUTIONS in self.topics and row.kind == "execution")

    def offer(self, rows: list[EventRow]) -> None:
        """Runs in the listener's loop."""
        for row in rows:
            if self.queue.full():
                while not self.queue.empty():
                    self.queue.get_nowait()
                self.queue.put_nowait(_resync(row.position))
            else:
                self.queue.put_nowait(row)


@dataclass
class _Hub:
    """The listeners of this process, and the thread that reads for them while there are any."""

    listeners: set[_Listener] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    reader: threading.Thread | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    arrivals: int = 0
    reached: Position = field(default_factory=lambda: Position(0))

    def add(self, listener: _Listener) -> None:
        with self.lock:
            self.listeners.add(listener)
            self.arrivals += 1
            if self.reader is None:
                self.ready.clear()
                self.wake.clear()
                self.reader = threading.Thread(target=self._read, name="live-events", daemon=True)
                self.reader.start()

    def remove(self, listener: _Listener) -> None:
        with self.lock:
            self.listeners.discard(listener)
            if not self.listeners:
                self.wake.set()

    def wait_until_ready(self) -> None:
        if not self.ready.wait(READY_SECONDS):
            raise ReaderNotReady("The database cannot be reached: live events are not available now.")

    def stop(self) -> None:
        """Wait until the reader has ended; for tests and for a process that ends. Only without listeners."""
        reader = self.reader
        if reader is not None:
            self.wake.set()
            reader.join(READY_SECONDS)

    def _read(self) -> None:
        position: Position | None = None
        try:
            while self._has_listeners():
                pause = POLL_SECONDS
                try:
                    if position is None:
                        position = read_horizon()
                        self.ready.set()
                    position = self._read_once(position)
                except DatabaseError as error:
                    log.warning("live events cannot be read, trying again", error=str(error))
                    connection.close()
                    pause = RETRY_SECONDS
                self.wake.wait(pause)
        finally:
            connection.close()

    def _has_listeners(self) -> bool:
        with self.lock:
            if self.listeners:
                self.wake.clear()
                return True
            self.reader = None
            return False

    def _read_once(self, position: Position) -> Position:
        while True:
            with self.lock:
                listeners, arrivals = list(self.listeners), self.arrivals
            rows, reached = read_events(sorted({ALL_TENANTS, *(listener.tenant for listener in listeners)}), position)
            with self.lock:
                if arrivals != self.arrivals:
                    continue  # somebody came after the list was made: what was read may be news to him, read again
            for listener in listeners:
                wanted = [row for row in rows if listener.wants(row)]
                if wanted:
                    with suppress(RuntimeError):  # its loop was closed before it could say goodbye
                        listener.loop.call_soon_threadsafe(listener.offer, wanted)
            position = self.reached = reached
            if len(rows) < PAGE:
                return position


_HUB = _Hub()


def listener_count() -> int:
    """How many streams this process serves."""
    return len(_HUB.listeners)


def stop_reader() -> None:
    """End this process's reader when nobody listens; the next listener starts it again."""
    _HUB.stop()


def _read_missed(tenant: str, since: Position) -> tuple[list[EventRow], bool]:
    """Rows after a position, and whether these are all."""
    try:
        rows, _ = read_events([ALL_TENANTS, tenant], since)
    finally:
        connection.close()
    return rows, len(rows) < PAGE


def _event(row: EventRow) -> Event:
    return Event(str(row.position), row.topic, row.namespace, row.kind, row.data)


def _resync(position: Position) -> Event:
    return Event(str(position), RESYNC, "", RESYNC, {})


# The wire form

HEARTBEAT_SECONDS: Final = 15.0
HEADERS: Final = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
CONTENT_TYPE: Final = "text/event-stream"
HEARTBEAT: Final = b": still here\n\n"


async def merged(sources: Iterable[AsyncIterator[Event]]) -> AsyncGenerator[Event, None]:
    """Events of several sources as they come; ends, with its error, when one of them ends."""
    queue: asyncio.Queue[Event] = asyncio.Queue(1)

    async def pump(source: AsyncIterator[Event]) -> None:
        async for event in source:
            await queue.put(event)

    pumps = [asyncio.create_task(pump(source)) for source in sources]
    taking: asyncio.Task[Event] | None = None
    try:
        while True:
            taking = taking or asyncio.create_task(queue.get())
            done, _ = await asyncio.wait({taking, *pumps}, return_when=asyncio.FIRST_COMPLETED)
            if taking in done:
                event, taking = taking.result(), None
                yield event
                continue
            for ended in done:
                await ended
            return
    finally:
        waiting = [*pumps, *([taking] if taking is not None else [])]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def sse_message(data: str, *, event_id: str | None = None, event: str | None = None, retry: int | None = None) -> bytes:
    """One server-sent event; line breaks in the data are kept."""
    head = "".join(
        f"{name}: {value}\n"
        for name, value in (("id", event_id), ("event", event), ("retry", retry))
        if value is not None
    )
    return (head + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n").encode()


async def with_heartbeat(
    messages: AsyncIterator[bytes], *, seconds: float = HEARTBEAT_SECONDS, most_seconds: float | None = None
) -> AsyncIterator[bytes]:
    """The messages, and a comment whenever nothing was sent for a while, so that proxies keep the stream open.

    Ends with the messages, or after `most_seconds`. However it ends, the messages' generator is closed.
    """
    leave_request_thread()
    loop = asyncio.get_running_loop()
    end = None if most_seconds is None else loop.time() + most_seconds
    waiting: asyncio.Task[bytes] | None = None
    try:
        while end is None or loop.time() < end:
            waiting = waiting or asyncio.ensure_future(_next(messages))
            left = seconds if end is None else min(seconds, max(end - loop.time(), 0))
            done, _ = await asyncio.wait({waiting}, timeout=left)
            if not done:
                yield HEARTBEAT
                continue
            finished, waiting = waiting, None
            try:
                message = finished.result()
            except StopAsyncIteration:
                return
            yield message
    finally:
        if waiting is not None:
            waiting.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await waiting
        close = getattr(messages, "aclose", None)
        if close is not None:
            await close()


def leave_request_thread() -> None:
    """For a streamed answer, once it runs: ends the thread in which the request's synchronous part ran.

    Django keeps a thread (and what it holds) for as long as a request lives, so a thousand open streams would be a
    thousand idle threads. What still has to run there when the stream ends gets a new one.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = None if context is None else SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is not None:
        executor.shutdown(wait=False)


async def _next(messages: AsyncIterator[bytes]) -> bytes:
    return await anext(messages)
