"""The live stream of a tab: what happens to the topics it shows, as server-sent events."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from typing import Final

from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from apps.accounts.selectors import current_user
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest
from apps.live.stream import (
    ALL_EXECUTIONS,
    ANNOUNCEMENTS,
    CONTENT_TYPE,
    HEADERS,
    RESYNC,
    sse_message,
    subscribe,
    with_heartbeat,
)
from apps.rbac.decisions import check_can, visible_namespaces

MOST_TOPICS: Final = 20
LIFE_SECONDS: Final = 600
"""How long a stream lasts before the browser opens the next: permissions are looked at again, and servers can drain."""
RETRY_MILLISECONDS: Final = 2000
_ONE_EXECUTION: Final = re.compile(r"exec:[0-9A-Za-z]{22}")
_NEEDS: Final = {ANNOUNCEMENTS: "", "invitations": "USER", ALL_EXECUTIONS: "EXECUTION"}
"""Topic → whose READ it needs; empty: everybody in the tenant hears it."""


@member
@require_GET
def events(request: HttpRequest) -> StreamingHttpResponse:
    """Events of `topics` (executions, exec:<id>, announce, invitations) in the namespaces the person may see, until the
    stream's life is over.

    A browser that comes back sends Last-Event-ID and gets what it missed; a page that was just read sends in `since`
    the place it was read at. Raises BadRequest for an unknown topic, Forbidden for one whose permission
    is missing.
    """
    topics = [topic for topic in request.GET.get("topics", "").split(",") if topic]
    unknown = [topic for topic in topics if topic not in _NEEDS and not _ONE_EXECUTION.fullmatch(topic)]
    if unknown or not 1 <= len(topics) <= MOST_TOPICS:
        raise BadRequest(f"'topics' takes 1 to {MOST_TOPICS} of: {', '.join(_NEEDS)}, exec:<execution id>.")
    for permission in sorted({_NEEDS.get(topic, "EXECUTION") for topic in topics} - {""}):
        check_can(current_user(request), permission, "READ")
    messages = _messages(
        require_tenant(),
        topics,
        request.headers.get("Last-Event-ID") or request.GET.get("since"),
        visible_namespaces(current_user(request), "EXECUTION"),
    )
    close_old_connections()  # the request lives as long as the stream: it must not keep its connection
    life = LIFE_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311 - jitter
    stream = with_heartbeat(messages, most_seconds=life)
    return StreamingHttpResponse(stream, content_type=CONTENT_TYPE, headers=HEADERS)


async def _messages(
    tenant: str, topics: list[str], last_event_id: str | None, namespaces: list[str] | None
) -> AsyncIterator[bytes]:
    yield sse_message("{}", event="open", retry=RETRY_MILLISECONDS + random.randrange(1000))  # noqa: S311 - jitter
    async for event in subscribe(tenant, topics, last_event_id, namespaces=namespaces):
        name = RESYNC if event.kind == RESYNC else "change"
        body = {"topic": event.topic, "kind": event.kind, "data": event.data}
        yield sse_message(json.dumps(body), event_id=event.id, event=name)
