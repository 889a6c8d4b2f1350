"""What belongs to an App's page: files and log lines that its blocks show, and the stream of its changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apps.common.access import public
from apps.common.current_tenant import require_tenant
from apps.common.downloads import download_answer
from apps.common.errors import NotFound
from apps.live.stream import CONTENT_TYPE, HEADERS, sse_message, with_heartbeat
from apps.namespaces.services import NamespaceFiles
from apps.storage.internal_storage import InvalidPath, open_storage
from apps.userapps.services.log_files import log_file
from apps.userapps.services.pages import AppPage, open_page
from apps.userapps.views.visit import Visit, app_url, guarded, visit
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import find_head
from apps.workflows.services.following import in_tenant, watching

BREATH_SECONDS: Final = 0.7
"""Least time between two events, so that a busy execution does not make a page flicker."""


@public
@guarded
def download_file(request: HttpRequest, uid: str) -> HttpResponseBase:
    """A file that a block of the page shows now; any other address is not found."""
    address = request.GET.get("path", "")
    if address not in _page(visit(request, uid)).exposed_files():
        raise NotFound("This file is not part of the page; open the App again.")
    storage = open_storage()
    try:
        size = storage.size(address)
    except FileNotFoundError as error:
        raise NotFound("This file is gone.") from error
    name = address.rsplit("/", 1)[-1]
    return download_answer(storage.open(address), size=size, name=name, show_picture=request.GET.get("inline") == "1")


@public
@guarded
def show_thumbnail(request: HttpRequest, uid: str) -> HttpResponseBase:
    """The picture that the App's YAML names in its namespace's files, for who may open the App."""
    app = visit(request, uid).app
    path = app.thumbnail.removeprefix("nsfiles:///")
    if not path or path == app.thumbnail:
        raise NotFound("This App has no picture.")
    try:
        files = NamespaceFiles(app.namespace)
        size = files.attributes(path).size
        return download_answer(files.open(path), size=size, name=path.rsplit("/", 1)[-1], show_picture=True)
    except (NotFound, FileNotFoundError, InvalidPath) as error:
        raise NotFound("The picture of this App is gone.") from error


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
    return StreamingHttpResponse(
        log_file(page.execution.id, wanted.filter),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{page.execution.id}.log"'},
    )


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
