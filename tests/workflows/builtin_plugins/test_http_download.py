"""http.Download and calls through a proxy, against servers of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.registry import plugin_class
from tests.support.run_context import FakeRunContext

LARGE = 30 * 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """Answers by path; as a proxy it answers for any host."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str | None]]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Proxy-Authorization")))
        if self.path == "/large":
            self.send_response(200)
            self.send_header("Content-Length", str(LARGE))
            self.end_headers()
            for _ in range(LARGE // 65536):
                self.wfile.write(b"x" * 65536)
        elif self.path == "/short":
            self.answer(200, b"only this", {"Content-Length": "100"})
            self.close_connection = True
        elif self.path.startswith("/status/"):
            self.answer(int(self.path.rsplit("/", 1)[1]), b"what went wrong", {})
        elif self.path.startswith("/named?"):
            self.answer(200, b"body", {"Content-Disposition": unquote(self.path.partition("?")[2])})
        elif self.path == "/empty":
            self.answer(200, b"", {})
        else:
            self.answer(200, b"body", {})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Seeing", (Handler,), {"seen": []})
    made = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def context(tmp_path: Path) -> FakeRunContext:
    return FakeRunContext(tmp_path)


def call(context: FakeRunContext, uri: str, kind: str = "Download", **properties: Any) -> Any:
    name = f"io.kestra.plugin.core.http.{kind}"
    return plugin_class(name).model_validate({"id": "t", "type": name, "uri": uri, **properties}).run(context)  # type: ignore[attr-defined]


def url(server: ThreadingHTTPServer, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_a_large_answer_goes_to_a_file(context: FakeRunContext, server: ThreadingHTTPServer) -> None:
    output = call(context, url(server, "/large"))
    assert (output.code, output.length) == (200, LARGE)
    assert context.storage.size(output.uri) == LARGE
    assert output.headers["content-length"] == [str(LARGE)]
    assert context.metrics[0][:3] == ("counter", "response.length", LARGE)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ('/named?attachment;filename="orders today.csv"', "orders+today.csv"),
        ("/named?attachment;filename=a.csv", "a.csv"),
        ("/named?attachment;filename=a.csv;filename*=UTF-8''%25C3%25A9.csv", "%C3%A9.csv"),
        ("/named?attachment;filename=../../etc/passwd", "passwd"),
        ("/data/rows.json?x=1", "rows.json"),
        ("/", "download"),
        ("/named?attachment;filename=..", "named"),
    ],
)
def test_the_file_is_named_as_the_server_says(
    context: FakeRunContext, server: ThreadingHTTPServer, path: str, name: str
) -> None:
    assert call(context, url(server, path)).uri.rpartition("/")[2] == name


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/empty", "No response from server"),
        ("/status/404", "The server answered with status 404: what went wrong"),
        ("/short", "failed: peer closed connection"),
    ],
)
def test_what_is_no_file_fails(context: FakeRunContext, server: ThreadingHTTPServer, path: str, message: str) -> None:
    with pytest.raises(TaskFailed, match=message):
        call(context, url(server, path))


def test_failures_may_be_allowed(context: FakeRunContext, server: ThreadingHTTPServer) -> None:
    assert call(context, url(server, "/status/500"), allowFailed=True).code == 500
    assert call(context, url(server, "/empty"), failOnEmptyResponse=False).length == 0


@pytest.mark.parametrize("kind", ["Request", "Download"])
def test_a_call_goes_through_a_proxy(context: FakeRunContext, server: ThreadingHTTPServer, kind: str) -> None:
    options = {
        "proxyType": "HTTP",
        "proxyAddress": "127.0.0.1",
        "proxyPort": server.server_port,
        "proxyUsername": "alice",
        "proxyPassword": "p:w",
    }
    output = call(context, "http://shop.invalid/orders", kind, options=options)
    assert output.code == 200
    seen = server.RequestHandlerClass.seen  # type: ignore[attr-defined]
    assert seen == [("http://shop.invalid/orders", "Basic YWxpY2U6cDp3")]
