"""What belongs to an App's page: files and log lines that its blocks show, and the stream of its changes."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Iterator
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.common.access import public
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.live.stream import CONTENT_TYPE, HEADERS, sse_message, with_heartbeat
from apps.storage.internal_storage import open_storage
from apps.userapps.services.pages import AppPage, open_page
from apps.userapps.views.visit import Visit, app_url, guarded, visit
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import find_head
from apps.workflows.selectors.log_search import PAGE, LogLine, list_execution_logs
from apps.workflows.services.following import in_tenant, watching

PART_BYTES: Final = 256 * 1024
BREATH_SECONDS: Final = 0.7
"""Least time between two events, so that a busy execution does not make a page flicker."""
INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@public
@guarded
def download_file(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A file that a block of the page shows now; any other address is not found."""
    address = request.GET.get("path", "")
    if address not in _page(visit(request, uid)).exposed_files():
        raise NotFound("This file is not part of the page; open the App again.")
    return file_answer(address, inline=request.GET.get("inline") == "1")


def file_answer(address: str, *, inline: bool = False) -> StreamingHttpResponse:
    """The file's bytes, as a download; pictures, when asked, to be shown. FileNotFound is 404 for the caller."""
    storage = open_storage()
    try:
        size = storage.size(address)
    except FileNotFoundError as error:
        raise NotFound("This file is gone.") from error
    name = address.rsplit("/", 1)[-1]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    shown = inline and kind in INLINE
    close_old_connections()
    return StreamingHttpResponse(
        _parts(storage.open(address)),
        content_type=kind if shown else "application/octet-stream",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


async def _parts(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(file.read, PART_BYTES):
            yield part
    finally:
        await asyncio.to_thread(file.close)


@public
@guarded
def download_logs(request: HttpRequest, uid: str) -> HttpResponseBase:
    """The lines that the page's Logs block shows, all of them, as text. Not found without such a block."""
    found = visit(request, uid)
    page = _page(found)
    block = page.log_block()
    if block is None or page.execution is None:
        raise NotFound("This page shows no log.")
    wanted: Any = block.block
    lines = _lines(page.execution.id, wanted.filter.log_level, frozenset(wanted.filter.task_ids))
    return StreamingHttpResponse(
        (log_text(line).encode() for line in lines),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{page.execution.id}.log"'},
    )


def _lines(execution_id: str, level: Any, task_ids: frozenset[str]) -> Iterator[LogLine]:
    tenant_lines: list[LogLine] = []
    after = 0
    while True:
        part = list_execution_logs(execution_id, min_level=level, after=after)
        tenant_lines += [line for line in part if not task_ids or line.task_id in task_ids]
        if len(part) < PAGE or len(tenant_lines) > 20 * PAGE:
            return iter(tenant_lines)
        after = part[-1].number


def log_text(line: LogLine) -> str:
    """A line as text."""
    return f"{line.timestamp.isoformat(timespec='milliseconds')} {line.level} {line.message}\n"


@public
@guarded
def stream_events(request: HttpRequest, uid: str) -> HttpResponseBase:
    """An event `change` whenever the page may look otherwise, and `end` when it will not any more."""
    found = visit(request, uid)
    if found.execution_id is None:
        raise NotFound("There is nothing to follow yet.")
    messages = _changes(require_tenant(), found.execution_id)
    close_old_connections()
    return StreamingHttpResponse(with_heartbeat(messages, most_seconds=600), content_type=CONTENT_TYPE, headers=HEADERS)


async def _changes(tenant: str, execution_id: str) -> AsyncIterator[bytes]:
    async with watching(tenant, execution_id) as watch:
        yield sse_message("{}", event="open", retry=2000)
        while True:
            head = await in_tenant(tenant, find_head, execution_id)
            if head is None or State(head.state).ended:
                yield sse_message("{}", event="end")
                return
            await watch.wait()
            yield sse_message("{}", event="change")
            await asyncio.sleep(BREATH_SECONDS)


def _page(found: Visit) -> AppPage:
    return open_page(found.app, found.definition, execution_id=found.execution_id, url=app_url(found.app), given={})
