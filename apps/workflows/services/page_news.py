"""News for open pages of running executions: task runs that changed, and the new lines themselves.

Read once per execution and process, however many pages show it; the task's commit pays for none of it.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from apps.common.clock import now as read_clock
from apps.common.display import iso
from apps.live.stream import RESYNC, Event
from apps.workflows.selectors.logs import PAGE, LogView, list_fresh_logs, list_logs
from apps.workflows.selectors.pulses import Pulse
from apps.workflows.services.following import follow, in_tenant, unfollow

RUNS: Final = "exec-runs"
"""The topic `exec-runs:<id>`: some task run of the execution changed."""
LINES: Final = "exec-logs"
"""The topic `exec-logs:<id>`: lines it wrote."""
QUEUE_SIZE: Final = 64
SETTLE: Final = timedelta(seconds=10)
"""A line's number is given before its transaction commits, so lines may show late for so long."""
BACK: Final = 5_000
"""Numbers of the tenant's log among which late lines are looked for at the beginning."""
MOST_KNOWN: Final = 2_000
"""Lines that are remembered as sent."""
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(message: str) -> str:
    """The text without terminal colours."""
    return _ANSI.sub("", message)


@dataclass(eq=False, slots=True)
class Page:
    """One open page: what waits to be sent to it. One that falls behind is told to read again what it shows."""

    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[Event]

    def offer(self, event: Event) -> None:
        """Runs in the page's loop."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            event = Event("", event.topic, event.namespace, RESYNC, {})
        self.queue.put_nowait(event)


@dataclass(eq=False)
class FollowedExecution:
    """An execution that pages of this process show, and how far it was read for them."""

    tenant: str
    execution_id: str
    pages: list[Page] = field(default_factory=list)
    since: datetime = field(default_factory=lambda: read_clock() - SETTLE)
    pulse: Pulse | None = None
    recent: deque[tuple[datetime, int]] = field(default_factory=deque)
    settled: int | None = None
    """Of the lines up to this number none is looked for any more."""

    def tell(self, pulse: Pulse | None) -> None:
        """Called from the looking thread, with the schema open. One query when lines may have come."""
        if pulse is None:
            return
        before, moment = self.pulse, read_clock()
        if before is None or pulse.newest_line != before.newest_line or self.recent:
            self._read_lines(pulse, moment)
        self.pulse = pulse
        if before is not None and _runs_of(pulse) != _runs_of(before):
            self._tell_pages(Event("", f"{RUNS}:{self.execution_id}", "", "runs", {"state": pulse.state}))

    def _read_lines(self, pulse: Pulse, moment: datetime) -> None:
        if self.settled is None:
            self.settled = max(pulse.newest_line - BACK, 0)
        while self.recent and (self.recent[0][0] < moment - SETTLE or len(self.recent) > MOST_KNOWN):
            self.settled = max(self.settled, self.recent.popleft()[1])
        known = [number for _, number in self.recent]
        found = list_fresh_logs(self.execution_id, after=self.settled, since=self.since, known=known)
        if not found:
            return
        self._tell_pages(lines_event(self.execution_id, found))
        if len(found) < PAGE:
            self.recent.extend((moment, line.number) for line in found)
        else:
            # written faster than anybody reads: the pages say that there are more, and go on from here
            self.recent.clear()
            self.settled = pulse.newest_line
            self._tell_pages(Event("", f"{LINES}:{self.execution_id}", "", "more", {}))

    def _tell_pages(self, event: Event) -> None:
        for page in list(self.pages):
            with suppress(RuntimeError):  # its loop was closed before it could say goodbye
                page.loop.call_soon_threadsafe(page.offer, event)


def _runs_of(pulse: Pulse) -> tuple[object, ...]:
    return pulse.state, pulse.version, pulse.newest_run, pulse.open_runs, pulse.open_version


def lines_event(execution_id: str, lines: Sequence[LogView]) -> Event:
    """Lines as the page's script takes them; their text is put there as text, never as HTML."""
    shown = [
        {
            "n": line.number,
            "t": iso(line.timestamp),
            "level": line.level.value,
            "task": line.task_id or "",
            "run": line.task_run_id or "",
            "attempt": line.attempt or 0,
            "text": plain(line.message),
        }
        for line in lines
    ]
    return Event("", f"{LINES}:{execution_id}", "", "lines", {"lines": shown})


_FOLLOWED: dict[tuple[str, str], FollowedExecution] = {}
_LOCK = threading.Lock()


@asynccontextmanager
async def page_news(tenant: str, execution_id: str, *, line: int | None) -> AsyncIterator[asyncio.Queue[Event]]:
    """News of an execution from now on. With ``line``, those after that number come first, and late ones before it.

    A page may hear of a line that it shows already: it knows lines by their number. Two queries at the beginning.
    """
    page = Page(asyncio.get_running_loop(), asyncio.Queue(QUEUE_SIZE))
    followed = _join(tenant, execution_id, page)
    try:
        if line is not None:
            since = read_clock() - SETTLE
            late = await in_tenant(tenant, list_fresh_logs, execution_id, after=max(line - BACK, 0), since=since)
            missed = await in_tenant(tenant, list_logs, execution_id, after=line)
            if late or missed:
                page.offer(lines_event(execution_id, sorted({*late, *missed}, key=lambda one: one.number)))
            if len(missed) == PAGE:
                page.offer(Event("", f"{LINES}:{execution_id}", "", "more", {}))
        yield page.queue
    finally:
        _leave(followed, page)


def _join(tenant: str, execution_id: str, page: Page) -> FollowedExecution:
    with _LOCK:
        followed = _FOLLOWED.get((tenant, execution_id))
        if followed is None:
            followed = _FOLLOWED[tenant, execution_id] = FollowedExecution(tenant, execution_id)
            follow(followed)
        followed.pages.append(page)
        return followed


def _leave(followed: FollowedExecution, page: Page) -> None:
    with _LOCK:
        followed.pages.remove(page)
        if not followed.pages:
            del _FOLLOWED[followed.tenant, followed.execution_id]
            unfollow(followed)
