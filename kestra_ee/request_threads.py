"""Requests as one WSGI call each, in a pool of threads, behind an ASGI server.

What comes and goes whole crosses between the loop and the thread twice: once with the request, once with the answer.
Only large bodies and answers that are made piece by piece cross for each piece.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from a2wsgi.wsgi import build_environ

Scope = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """What the application said so far."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def start(self, status: str, headers: Iterable[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        """WSGI's ``start_response``; Django never asks for its ``write``."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
        return _no_write

    @property
    def head(self) -> dict[str, Any]:
        """The ASGI message it begins with."""
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}


class RequestThreads:
    """An ASGI application around a WSGI one, which is called in one of ``workers`` threads."""

    def __init__(self, application: Any, workers: int) -> None:
        self._application = application
        self._piecewise: Any = WSGIMiddleware(application, workers=workers)
        self._threads: ThreadPoolExecutor = self._piecewise.executor

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """One request."""
        message = await receive()
        if message["type"] != "http.request":
            return  # the client left before it had asked
        if message.get("more_body"):
            await self._piecewise(scope, _beginning_with(message, receive), send)
            return
        loop = asyncio.get_running_loop()

        def push(piece: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(send(piece), loop).result()

        context = contextvars.copy_context()
        whole = await loop.run_in_executor(
            self._threads, context.run, self._call, scope, message.get("body", b""), push
        )
        if whole is not None:
            answer, body = whole
            await send(answer.head)
            await send({"type": "http.response.body", "body": body})

    def _call(self, scope: Scope, body: bytes, push: Callable[[dict[str, Any]], None]) -> tuple[Answer, bytes] | None:
        """The whole answer; None when it was made piece by piece and pushed so."""
        answer = Answer()
        environ = build_environ(cast(Any, scope), cast(Any, BytesIO(body)))
        pieces = self._application(environ, answer.start)
        try:
            if not getattr(pieces, "streaming", True):
                return answer, b"".join(pieces)
            push(answer.head)
            for piece in pieces:
                push({"type": "http.response.body", "body": piece, "more_body": True})
            push({"type": "http.response.body", "body": b""})
            return None
        finally:
            getattr(pieces, "close", _nothing)()


def _beginning_with(first: dict[str, Any], receive: Any) -> Any:
    """``receive``, once more with a message that was taken from it."""
    waiting = [first]

    async def again() -> Any:
        return waiting.pop() if waiting else await receive()

    return again


def _no_write(_piece: bytes) -> None:
    raise NotImplementedError("the answer is what the application returns")


def _nothing() -> None:
    """Not every iterable can be closed."""
