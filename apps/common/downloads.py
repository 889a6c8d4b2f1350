"""A file as an answer: streamed, never shown as a page of ours."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator
from typing import BinaryIO, Final
from urllib.parse import quote

from django.db import close_old_connections
from django.http import StreamingHttpResponse

PART_BYTES: Final = 256 * 1024
TEXTS: Final = frozenset({"text/plain", "text/csv", "application/json"})
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})


def download_answer(file: BinaryIO, *, size: int, name: str, show_picture: bool = False) -> StreamingHttpResponse:
    """The bytes of an open file, to be saved under a name; closed at the end. The request's connection is given back.

    ``show_picture``: a picture may be shown in its place. Whatever the file holds, a browser runs nothing of it.
    """
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    shown = show_picture and kind in PICTURES
    close_old_connections()
    return StreamingHttpResponse(
        _parts(file),
        content_type=kind if shown or kind in TEXTS else "application/octet-stream",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name)}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _parts(file: BinaryIO) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(file.read, PART_BYTES):
            yield part
    finally:
        await asyncio.to_thread(file.close)
