"""Server-sent events of one execution: its state as it changes, and its log as it is written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import close_old_connections
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.ids import to_uuid
from apps.live.stream import CONTENT_TYPE, HEADERS, sse_message, with_heartbeat
from apps.rbac.decisions import can
from apps.workflows.api.describe import STREAM, describe, text
from apps.workflows.api.execution_start import read_with_url
from apps.workflows.api.reading import check_visible, plain_json, read_level, tenant_of
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.schemas.logs import log_json
from apps.workflows.selectors.executions import find_head
from apps.workflows.selectors.log_search import PAGE, LogLine, list_execution_logs
from apps.workflows.services.following import Watch, in_tenant, watching

APPEARS_WITHIN: Final = 10.0
"""Seconds that an execution may take to appear, for a client that knows its id before it is created."""
BREATH: Final = 3.0
"""After a read of this execution took t seconds the next waits as many times t: a large one is read seldom."""
SETTLE_SECONDS: Final = 5.0
"""A line's number is given before its transaction commits, so lines may show late for so long."""
PROGRESS: Final = "progress"
END: Final = "end"

May = Callable[[str], bool]


@describe(STREAM, tag="Executions")
@access("EXECUTION", "READ")
def follow_execution(request: Request, execution_id: str) -> StreamingHttpResponse:
    """The execution now and at each change (event id `progress`), at last with id `end`; then the stream closes.

    An event `error` with status 404 comes when there is no such execution within 10 seconds.
    """
    return _stream(execution_events(tenant_of(request), execution_id, _may_read(request, execution_id)))


@describe(
    STREAM,
    query=(text("minLevel", "Least level."), text("taskRunId"), text("taskId")),
    tag="Logs",
)
@access("EXECUTION", "READ")
def follow_logs(request: Request, execution_id: str) -> StreamingHttpResponse:
    """Lines so far and as they are written; an event's id is the line's number. Resumes by Last-Event-ID.

    After the last line of an execution that has ended comes an empty event with id `end`.
    """
    query = request.query_params
    last = request.headers.get("Last-Event-ID", "")
    asked = LinesAsked(
        execution_id,
        min_level=read_level(query),
        task_run_id=query.get("taskRunId") or None,
        task_id=query.get("taskId") or None,
        after=int(last) if last.isdecimal() and int(last) < 2**63 else 0,
    )
    if asked.task_run_id is not None:
        to_uuid(asked.task_run_id)
    return _stream(log_events(tenant_of(request), asked, _may_read(request, execution_id)))


def _may_read(request: Request, execution_id: str) -> May:
    """Refuses at once what is no id or may not be seen; answers the question for an execution that appears later."""
    to_uuid(execution_id)
    found = find_head(execution_id)
    if found is not None:
        check_visible(request, execution_id, found, action="READ")
    user = request.user
    return lambda namespace: can(user, "EXECUTION", "READ", namespace)


def _stream(messages: AsyncIterator[bytes]) -> StreamingHttpResponse:
    close_old_connections()  # the request lives as long as the stream: it must not keep its connection
    return StreamingHttpResponse(with_heartbeat(messages), content_type=CONTENT_TYPE, headers=HEADERS)


async def execution_events(tenant: str, execution_id: str, may: May) -> AsyncIterator[bytes]:
    """The wire form of an execution's changes, until it has ended."""
    async with watching(tenant, execution_id) as watch:
        if not await _appears(watch, may):
            yield not_found(execution_id)
            return
        loop = asyncio.get_running_loop()
        sent: bytes | None = None
        while True:
            began = loop.time()
            found = await in_tenant(tenant, read_with_url, execution_id)
            if found is None:
                yield not_found(execution_id)
                return
            if State(found["state"]["current"]).ended:
                yield sse_message(plain_json(found).decode(), event_id=END)
                return
            content = plain_json({**found, "state": {**found["state"], "duration": None}})
            if content != sent:
                sent = content
                yield sse_message(plain_json(found).decode(), event_id=PROGRESS)
            await asyncio.sleep(BREATH * (loop.time() - began))
            await watch.wait()


async def log_events(tenant: str, asked: LinesAsked, may: May) -> AsyncIterator[bytes]:
    """The wire form of an execution's lines, until it has ended and all are sent."""
    async with watching(tenant, asked.execution_id) as watch:
        if not await _appears(watch, may):
            yield not_found(asked.execution_id)
            return
        loop = asyncio.get_running_loop()
        fresh = FreshLines(asked.after)
        while True:
            head = await in_tenant(tenant, find_head, asked.execution_id)  # before the lines: none comes after the end
            lines = await in_tenant(tenant, asked.read, fresh.after)
            for line in fresh.take(lines, loop.time()):
                yield sse_message(plain_json(log_json(line)).decode(), event_id=str(line.number))
            if len(lines) == PAGE:
                continue
            if head is None or State(head.state).ended:
                yield sse_message("{}", event_id=END)
                return
            await watch.wait(SETTLE_SECONDS)


async def _appears(watch: Watch, may: May) -> bool:
    """Waits until the execution is there and may be seen; False when it is not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + APPEARS_WITHIN
    while True:
        head = await in_tenant(watch.tenant, find_head, watch.execution_id)
        if head is not None:
            return await in_tenant(watch.tenant, may, head.namespace)
        left = end - loop.time()
        if left <= 0:
            return False
        await watch.wait(left)


def not_found(execution_id: str) -> bytes:
    """The event that says so; the HTTP status was sent long ago."""
    body: dict[str, Any] = {"status": 404, "message": f"Not Found: Execution {execution_id} not found"}
    return sse_message(plain_json(body).decode(), event_id="error", event="error")


@dataclass(frozen=True, slots=True)
class LinesAsked:
    """Which lines of an execution."""

    execution_id: str
    min_level: Level | None = None
    task_run_id: str | None = None
    task_id: str | None = None
    after: int = 0

    def read(self, after: int) -> list[LogLine]:
        """Those after a number."""
        return list_execution_logs(
            self.execution_id,
            min_level=self.min_level,
            task_run_id=self.task_run_id,
            task_id=self.task_id,
            after=after,
        )


@dataclass(slots=True)
class FreshLines:
    """Which lines are new. Reading begins a few seconds back, since a lower number may be committed later."""

    after: int
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    seen: set[int] = field(default_factory=set)

    def take(self, lines: Iterable[LogLine], now: float) -> list[LogLine]:
        """Those of the lines that were not taken before; moves `after` on to what has settled."""
        found = [line for line in lines if line.number not in self.seen]
        for line in found:
            self.seen.add(line.number)
            self.recent.append((now, line.number))
        full = len(self.seen) >= PAGE
        while self.recent and (full or self.recent[0][0] < now - SETTLE_SECONDS):
            _, number = self.recent.popleft()
            self.after = max(self.after, number)
            self.seen.discard(number)
        if full:
            self.seen.clear()
        return found
