"""http.Request against a server of the test's own."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from apps.workflows.builtin_plugins.http.request import RequestOutput
from apps.workflows.flow_language.source import InvalidFlow, parse_flow
from apps.workflows.plugin_api.errors import TaskFailed, TaskKilled
from apps.workflows.plugin_api.registry import plugin_class
from tests.support.run_context import FakeRunContext

TYPE = "io.kestra.plugin.core.http.Request"


class Server:
    """Answers by path and remembers what it was asked. ``stalled`` is set while a request waits for ``go_on``."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.seen.append({"method": self.command, "path": self.path, "headers": self.headers, "body": body})
                owner.answer(self)

        for method in ("GET", "POST", "PUT"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.go_on.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        path = to.path.partition("?")[0]
        if path == "/stall":
            self.stalled.set()
            self.go_on.wait(20)
            to.close_connection = True
        elif path == "/half":
            to.send_response(200)
            to.send_header("Content-Length", "100")
            to.end_headers()
            to.wfile.write(b"only this")
            to.wfile.flush()
            self.stalled.set()
            self.go_on.wait(20)
            to.close_connection = True
        elif path == "/redirect":
            send(to, 302, b"", {"Location": "/hello"})
        elif path == "/bomb":
            send(to, 200, gzip.compress(b"0" * 1_000_000), {"Content-Encoding": "gzip"})
        elif path == "/latin":
            send(to, 200, "é".encode("latin-1"), {"Content-Type": "text/plain; charset=ISO-8859-1"})
        elif path == "/charset":
            send(to, 200, "é".encode(), {"Content-Type": "text/plain; charset=no-such"})
        elif path.startswith("/status/"):
            send(to, int(path.rsplit("/", 1)[1]), b"what went wrong", {})
        else:
            send(to, 200, b'{"hello": "world"}', {"Content-Type": "application/json", "X-Two": "a"})


def send(to: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
    to.send_response(status)
    for name, value in headers.items():
        to.send_header(name, value)
    if "X-Two" in headers:
        to.send_header("X-Two", "b")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def context(tmp_path: Path, server: Server) -> FakeRunContext:
    return FakeRunContext(tmp_path, variables={"inputs": {"url": server.url, "name": "Ada", "n": 3}})


def call(context: FakeRunContext, uri: str, **properties: Any) -> RequestOutput:
    task = plugin_class(TYPE).model_validate({"id": "t", "type": TYPE, "uri": uri, **properties})
    output = task.run(context)  # type: ignore[attr-defined]
    assert isinstance(output, RequestOutput)
    return output


def test_the_answer_is_the_output(context: FakeRunContext, server: Server) -> None:
    output = call(context, "{{ inputs.url }}/hello?a=1")
    assert (output.code, output.body, output.uri) == (200, '{"hello": "world"}', f"{server.url}/hello?a=1")
    assert output.headers["x-two"] == ["a", "b"]
    assert output.headers["content-type"] == ["application/json"]
    assert context.metrics == [("counter", "response.length", 18, {"request.method": "GET", "response.code": "200"})]


def test_method_headers_and_body_are_sent_rendered(context: FakeRunContext, server: Server) -> None:
    call(
        context,
        f"{server.url}/x",
        method="PUT",
        contentType="application/json",
        headers={"X-Name": "{{ inputs.name }}"},
        body='{"n": {{ inputs.n }}, "é": 1}',
    )
    (seen,) = server.seen
    assert seen["method"] == "PUT"
    assert seen["headers"]["X-Name"] == "Ada"
    assert seen["headers"]["Content-Type"] == "application/json"
    assert seen["body"].decode() == '{"n": 3, "é": 1}'


def test_a_form_wins_over_a_body(context: FakeRunContext, server: Server) -> None:
    form = {"name": "{{ inputs.name }} & co", "list": [1, 2]}
    call(context, f"{server.url}/x", method="POST", body="ignored", formData=form)
    assert server.seen[0]["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert server.seen[0]["body"] == b"name=Ada+%26+co&list=%5B1%2C2%5D"


def test_a_multipart_form_sends_files(context: FakeRunContext, server: Server) -> None:
    uri = context.storage.put(b"a,b", "data.csv")
    form = {"file": uri, "named": {"name": "other.csv", "content": uri}, "field": "{{ inputs.name }}"}
    call(context, f"{server.url}/x", method="POST", contentType="multipart/form-data", formData=form)
    (seen,) = server.seen
    head = f"Content-Type: {seen['headers']['Content-Type']}\r\n\r\n".encode()
    parts = list(BytesParser(policy=HTTP).parsebytes(head + seen["body"]).iter_parts())
    shown = [
        (part.get_param("name", header="content-disposition"), part.get_filename(), part.get_payload(decode=True))
        for part in parts
    ]
    assert shown == [("file", "data.csv", b"a,b"), ("named", "other.csv", b"a,b"), ("field", None, b"Ada")]


def test_basic_sign_in(context: FakeRunContext, server: Server) -> None:
    context.secrets = {"PASSWORD": "p"}
    options = {"basicAuthUser": "{{ inputs.name }}", "basicAuthPassword": "{{ secret('PASSWORD') }}"}
    call(context, f"{server.url}/x", options=options)
    assert server.seen[0]["headers"]["Authorization"] == "Basic QWRhOnA="


def test_redirects_are_followed_unless_told_not_to(context: FakeRunContext, server: Server) -> None:
    assert call(context, f"{server.url}/redirect").uri == f"{server.url}/hello"
    assert call(context, f"{server.url}/redirect", options={"followRedirects": False}).code == 302


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_failed_status_fails_unless_allowed(context: FakeRunContext, server: Server, status: int) -> None:
    with pytest.raises(TaskFailed, match=f"The server answered with status {status}: what went wrong"):
        call(context, f"{server.url}/status/{status}")
    output = call(context, f"{server.url}/status/{status}", allowFailed=True)
    assert (output.code, output.body) == (status, "what went wrong")


@pytest.mark.parametrize("path", ["/hello", "/bomb"])
def test_an_answer_that_is_too_long_fails(context: FakeRunContext, server: Server, path: str) -> None:
    with pytest.raises(TaskFailed, match=r"longer than the 10 bytes of `options.maxContentLength`"):
        call(context, server.url + path, options={"maxContentLength": 10})


@pytest.mark.parametrize("path", ["/latin", "/charset"])
def test_the_charset_of_the_answer_counts(context: FakeRunContext, server: Server, path: str) -> None:
    assert call(context, server.url + path).body == "é"


@pytest.mark.parametrize("path", ["/stall", "/half"])
def test_a_server_that_stalls_is_given_up(context: FakeRunContext, server: Server, path: str) -> None:
    with pytest.raises(TaskFailed, match=r"took too long: no answer within `options.readTimeout`"):
        call(context, server.url + path, options={"readTimeout": "PT0.2S"})


@pytest.mark.parametrize("path", ["/stall", "/half"])
def test_a_kill_ends_a_call_that_waits(context: FakeRunContext, server: Server, path: str) -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            call(context, server.url + path, options={"readTimeout": "PT30S"})
        except TaskKilled as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert server.stalled.wait(10)
    started = time.monotonic()
    context.cancellation.kill()
    thread.join(10)
    assert len(caught) == 1
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("hello", "is no address of a web server"),
        ("ftp://host/x", "is no address of a web server"),
        ("file:///etc/passwd", "is no address of a web server"),
        ("http://127.0.0.1:1/x?token=secret", r"GET http://127.0.0.1:1/x failed: .*refused"),
        ("http://host:port/x", "Cannot make a request to"),
    ],
)
def test_addresses_that_cannot_be_called(context: FakeRunContext, uri: str, message: str) -> None:
    with pytest.raises(TaskFailed, match=message) as caught:
        call(context, uri)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("options: {proxyType: HTTP}", "needs `proxyAddress` and `proxyPort`"),
        ("method: FETCH", '"FETCH" is not one of GET'),
    ],
)
def test_what_cannot_work_is_refused_when_saved(more: str, message: str) -> None:
    with pytest.raises(InvalidFlow, match=message):
        parse_flow(f"id: a\nnamespace: b\ntasks: [{{id: a, type: {TYPE}, uri: x, {more}}}]\n")
