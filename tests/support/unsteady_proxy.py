"""A proxy before a server that fails on demand: refuses some requests, or breaks an answer off in its middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

PER_HOP: Final = ("connection", "transfer-encoding", "expect")
CHANGED: Final = ("transfer-encoding", "connection", "content-length", "content-encoding")
SMALLEST_BROKEN: Final = 1000


class Unsteadiness:
    """What is to fail; ``calls`` counts all requests that came."""

    def __init__(self) -> None:
        self.refuse = 0
        """So many of the next requests are answered with 503."""
        self.break_off = 0
        """So many of the next answers with a body end after half of it."""
        self.calls = 0
        self._lock = threading.Lock()

    def called(self) -> bool:
        """Whether this request is to be refused."""
        with self._lock:
            self.calls += 1
            refused = self.refuse > 0
            self.refuse -= refused
            return refused

    def breaks(self) -> bool:
        """Whether this answer is to be broken off."""
        with self._lock:
            broken = self.break_off > 0
            self.break_off -= broken
            return broken


class Handler(BaseHTTPRequestHandler):
    """Passes a request on, whole, and the answer back."""

    protocol_version = "HTTP/1.1"
    faults: Unsteadiness
    target: str

    def log_message(self, *args: Any) -> None:
        """Nothing: the tests look at what came back."""

    def do_GET(self) -> None:
        """Any method."""
        body = self._body()
        if self.faults.called():
            self._answer(503, [], b"")
            return
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in PER_HOP]
        with httpx.Client(timeout=30) as client:
            given = client.request(self.command, self.target + self.path, headers=headers, content=body)
        kept = [(name, value) for name, value in given.headers.items() if name.lower() not in CHANGED]
        if self.command == "HEAD":
            self._answer(given.status_code, [*kept, ("Content-Length", given.headers.get("content-length", "0"))], None)
        else:
            self._answer(given.status_code, kept, given.content)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes | None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is None:
            self.end_headers()
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if len(body) > SMALLEST_BROKEN and self.faults.breaks():
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)


@contextmanager
def unsteady(url: str) -> Iterator[tuple[str, Unsteadiness]]:
    """The proxy's address and its faults."""
    faults, parts = Unsteadiness(), urlsplit(url)
    handler = type("OneHandler", (Handler,), {"faults": faults, "target": f"{parts.scheme}://{parts.netloc}"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", faults
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
