"""The live stream of a tab: what happens to the topics it shows, as server-sent events."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, NotFound
from apps.live.stream import (
    ALL_EXECUTIONS,
    ANNOUNCEMENTS,
    CONTENT_TYPE,
    HEADERS,
    RESYNC,
    Event,
    merged,
    sse_message,
    subscribe,
    with_heartbeat,
)
from apps.rbac.decisions import can, check_can, visible_namespaces
from apps.workflows.selectors.executions import find_heads
from apps.workflows.services.page_news import LINES, RUNS, page_news

MOST_TOPICS: Final = 20
LIFE_SECONDS: Final = 600
"""How long a stream lasts before the browser opens the next: permissions are looked at again, and servers can drain."""
RETRY_MILLISECONDS: Final = 2000
_ONE_EXECUTION: Final = re.compile(rf"(exec|{RUNS}|{LINES}):([0-9A-Za-z]{{22}})")
_NEEDS: Final = {ANNOUNCEMENTS: "", "invitations": "USER", ALL_EXECUTIONS: "EXECUTION"}
"""Topic → whose READ it needs; empty: everybody in the tenant hears it."""


@member
@require_GET
def events(request: HttpRequest) -> StreamingHttpResponse:
    """Events of `topics` (executions, exec:<id>, announce, invitations) in the namespaces the person may see, until the
    stream's life is over; of one execution also its task runs (exec-runs:<id>) and its lines (exec-logs:<id>).

    A browser that comes back sends Last-Event-ID and gets what it missed; a page that was just read sends in `since`
    the place it was read at, and in `line` the last line it shows. Raises BadRequest for an unknown topic, Forbidden
    for one whose permission is missing, NotFound for the task runs or lines of an execution that may not be seen.
    """
    topics = [topic for topic in request.GET.get("topics", "").split(",") if topic]
    unknown = [topic for topic in topics if topic not in _NEEDS and not _ONE_EXECUTION.fullmatch(topic)]
    if unknown or not 1 <= len(topics) <= MOST_TOPICS:
        raise BadRequest(f"'topics' takes 1 to {MOST_TOPICS} of: {', '.join(_NEEDS)}, exec:<execution id>.")
    for permission in sorted({_NEEDS.get(topic, "EXECUTION") for topic in topics} - {""}):
        check_can(current_user(request), permission, "READ")
    line = request.GET.get("line", "")
    messages = _messages(
        require_tenant(),
        [topic for topic in topics if not topic.startswith((RUNS, LINES))],
        _followed(request, topics),
        int(line) if line.isdecimal() and int(line) < 2**63 else None,
        request.headers.get("Last-Event-ID") or request.GET.get("since"),
        visible_namespaces(current_user(request), "EXECUTION"),
    )
    close_old_connections()  # the request lives as long as the stream: it must not keep its connection
    life = LIFE_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    stream = with_heartbeat(messages, most_seconds=life)
    return StreamingHttpResponse(stream, content_type=CONTENT_TYPE, headers=HEADERS)


def _followed(request: HttpRequest, topics: list[str]) -> dict[str, frozenset[str]]:
    """Executions whose task runs or lines the page follows, with the topics it asked for. One query when there are."""
    found: dict[str, set[str]] = {}
    for topic in topics:
        kind, _, execution_id = topic.partition(":")
        if kind in (RUNS, LINES):
            found.setdefault(execution_id, set()).add(topic)
    heads = find_heads(found) if found else {}
    for execution_id in found:
        head = heads.get(execution_id)
        if head is None or not can(current_user(request), "EXECUTION", "READ", head.namespace):
            raise NotFound(f"There is no execution {execution_id}.")
    return {execution_id: frozenset(asked) for execution_id, asked in found.items()}


async def _messages(
    tenant: str,
    topics: list[str],
    followed: dict[str, frozenset[str]],
    line: int | None,
    last_event_id: str | None,
    namespaces: list[str] | None,
) -> AsyncIterator[bytes]:
    yield sse_message("{}", event="open", retry=RETRY_MILLISECONDS + random.randrange(1000))  # noqa: S311 - jitter
    events: list[AsyncIterator[Event]] = [
        _news(tenant, execution_id, asked, line) for execution_id, asked in followed.items()
    ]
    if topics:
        events.append(subscribe(tenant, topics, last_event_id, namespaces=namespaces))
    async with aclosing(merged(events)) as found:
        async for event in found:
            name = RESYNC if event.kind == RESYNC else "change"
            body = {"topic": event.topic, "kind": event.kind, "data": event.data}
            yield sse_message(json.dumps(body), event_id=event.id or None, event=name)


async def _news(tenant: str, execution_id: str, asked: frozenset[str], line: int | None) -> AsyncIterator[Event]:
    async with page_news(tenant, execution_id, line=line if f"{LINES}:{execution_id}" in asked else None) as news:
        while True:
            event = await news.get()
            if event.topic in asked:
                yield event
