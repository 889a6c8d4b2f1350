"""Following running executions: one thread looks at all that are followed, twice a second, and tells who waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, ParamSpec, Protocol, TypeVar

import structlog
from django.db import DatabaseError, connection

from apps.common.current_tenant import opened_schema, schema_of
from apps.live.stream import Event, listening
from apps.workflows.selectors.pulses import Pulse, read_pulses

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 2.0
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


async def in_tenant(
    tenant: str, function: Callable[Arguments, Answer], /, *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer:
    """Call a function that reads rows, in a thread with the tenant's schema open; the connection is given back."""

    def call() -> Answer:
        try:
            with opened_schema(schema_of(tenant)):
                return function(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(call)


class Follower(Protocol):
    """Who is told of an execution at each look."""

    tenant: str
    execution_id: str

    def tell(self, pulse: Pulse | None) -> None:
        """Called twice a second from the looking thread, with the tenant's schema open; None: it is not there."""


@dataclass(eq=False, slots=True)
class Watch:
    """Waits for something new about one execution: its row, its task runs, its log."""

    tenant: str
    execution_id: str
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event
    seen: Pulse | None = None

    async def wait(self, seconds: float | None = None) -> bool:
        """True when there is news since the last call, False when the time is over."""
        try:
            await asyncio.wait_for(self.news.wait(), seconds)
        except TimeoutError:
            return False
        self.news.clear()
        return True

    def tell(self, pulse: Pulse | None) -> None:
        """Called from the looking thread."""
        if pulse != self.seen:
            self.seen = pulse
            with suppress(RuntimeError):  # its loop was closed before it could say goodbye
                self.loop.call_soon_threadsafe(self.news.set)


@asynccontextmanager
async def watching(tenant: str, execution_id: str) -> AsyncIterator[Watch]:
    """Inside, nothing that happens to the execution is missed: read it first, then wait for news, and so on.

    State changes come by the live events, what happens within (task runs, lines) by the look twice a second.
    """
    watch = Watch(tenant, execution_id, asyncio.get_running_loop(), asyncio.Event())
    async with listening(tenant, [f"exec:{execution_id}"]) as events:
        pump = asyncio.create_task(_pump(events, watch))
        _LOOKOUT.add(watch)
        try:
            yield watch
        finally:
            _LOOKOUT.remove(watch)
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump


async def _pump(events: AsyncIterator[Event], watch: Watch) -> None:
    async for _ in events:
        watch.news.set()


@dataclass
class _Lookout:
    """The watches of this process, and the thread that looks for them while there are any."""

    watches: set[Follower] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    wake: threading.Event = field(default_factory=threading.Event)

    def add(self, watch: Follower) -> None:
        with self.lock:
            self.watches.add(watch)
            if self.thread is None:
                self.wake.clear()
                self.thread = threading.Thread(target=self._look, name="execution-lookout", daemon=True)
                self.thread.start()

    def remove(self, watch: Follower) -> None:
        with self.lock:
            self.watches.discard(watch)
            if not self.watches:
                self.wake.set()

    def stop(self) -> None:
        """Wait until the thread has ended; for tests. Only without watches."""
        thread = self.thread
        if thread is not None:
            self.wake.set()
            thread.join()

    def _look(self) -> None:
        while by_tenant := self._by_tenant():
            pause = LOOK_SECONDS
            try:
                for tenant, watches in by_tenant.items():
                    with opened_schema(schema_of(tenant)):
                        found = read_pulses({watch.execution_id for watch in watches})
                        for watch in watches:
                            watch.tell(found.get(watch.execution_id))
            except DatabaseError as error:
                log.warning("followed executions cannot be read, trying again", error=str(error))
                pause = RETRY_SECONDS
            finally:
                connection.close()  # between two looks no connection is held
            self.wake.wait(pause)

    def _by_tenant(self) -> dict[str, list[Follower]]:
        with self.lock:
            found: dict[str, list[Follower]] = {}
            for watch in self.watches:
                found.setdefault(watch.tenant, []).append(watch)
            if found:
                self.wake.clear()
            else:
                self.thread = None
            return found


_LOOKOUT = _Lookout()


def follow(follower: Follower) -> None:
    """Tell it of its execution at each look, from now on."""
    _LOOKOUT.add(follower)


def unfollow(follower: Follower) -> None:
    """Tell it no more."""
    _LOOKOUT.remove(follower)


def stop_lookout() -> None:
    """End this process's looking thread when nobody watches; the next watch starts it again."""
    _LOOKOUT.stop()
