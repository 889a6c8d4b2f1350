"""Files of an execution: only its own; a file of another execution is asked for there."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, Final
from urllib.parse import quote

from django.db import close_old_connections
from django.http import HttpResponseRedirect, StreamingHttpResponse
from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import required_query
from apps.common.errors import IllegalArgument
from apps.rbac.decisions import can
from apps.storage.internal_storage import execution_address, execution_id_of, is_below, open_storage
from apps.workflows.api.describe import BYTES, describe, text
from apps.workflows.api.reading import get_execution, raw_request
from apps.workflows.selectors.executions import ExecutionRow, find_head

PART_BYTES: Final = 256 * 1024
PATH: Final = text("path", "Address of the file: kestra:///…", required=True)
INLINE: Final = frozenset({"text/plain", "text/csv", "application/json"})


@describe(BYTES, query=(PATH,), tag="Executions")
@access("EXECUTION", "READ")
def download(request: Request, execution_id: str) -> StreamingHttpResponse | HttpResponseRedirect:
    """The file's bytes. A file of another execution redirects there; an address outside of executions is refused."""
    execution = get_execution(request, execution_id)
    address = required_query(request.query_params, "path")
    if (elsewhere := _elsewhere(request, execution, address)) is not None:
        return elsewhere
    storage = open_storage()
    size = storage.size(address)
    name = address.rsplit("/", 1)[-1]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    close_old_connections()
    return StreamingHttpResponse(
        _parts(storage.open(address)),
        content_type=kind if kind in INLINE else "application/octet-stream",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
        },
    )


@describe(dict[str, Any], query=(PATH,), tag="Executions")
@access("EXECUTION", "READ")
def read_metas(request: Request, execution_id: str) -> HttpResponseRedirect | dict[str, int]:
    """The file's size in bytes."""
    execution = get_execution(request, execution_id)
    address = required_query(request.query_params, "path")
    elsewhere = _elsewhere(request, execution, address)
    return elsewhere if elsewhere is not None else {"size": open_storage().size(address)}


def _elsewhere(request: Request, execution: ExecutionRow, address: str) -> HttpResponseRedirect | None:
    """None for a file of this execution; the way to the execution it belongs to; IllegalArgument for any other."""
    if is_below(address, execution_address(execution.namespace, execution.flow_id, execution.id)):
        return None
    owner_id = execution_id_of(address)
    owner = find_head(owner_id) if owner_id is not None and owner_id != execution.id else None
    if (
        owner is None
        or not can(request.user, "EXECUTION", "READ", owner.namespace)
        or not is_below(address, execution_address(owner.namespace, owner.flow_id, owner.id))
    ):
        raise IllegalArgument(f"The file '{address[:300]}' does not belong to execution {execution.id}.")
    here = raw_request(request).get_full_path()
    return HttpResponseRedirect(here.replace(f"/executions/{execution.id}/", f"/executions/{owner.id}/", 1), status=307)


async def _parts(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(file.read, PART_BYTES):
            yield part
    finally:
        await asyncio.to_thread(file.close)
