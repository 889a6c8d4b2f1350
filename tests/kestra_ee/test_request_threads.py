"""Requests in threads behind an ASGI server: whole answers, pieces, large bodies, errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from kestra_ee.request_threads import RequestThreads

SEEN: ContextVar[str] = ContextVar("seen", default="nothing")


class Whole:
    """An answer as Django gives it when it is not streamed."""

    streaming = False

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.closed = pieces, False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed = True


def ask(application: Callable[..., Any], *bodies: bytes) -> list[dict[str, Any]]:
    """The messages of the answer to a request whose body comes in these pieces."""
    sent: list[dict[str, Any]] = []
    pieces = list(bodies or (b"",))

    async def receive() -> dict[str, Any]:
        body = pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(pieces)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/a",
        "query_string": b"x=1",
        "headers": [(b"x-one", b"1")],
        "http_version": "1.1",
    }
    asyncio.run(RequestThreads(application, workers=2)(scope, receive, send))
    return sent


def test_a_whole_answer_is_two_messages_and_is_closed() -> None:
    answer = Whole(b"a", b"b")

    def application(environ: dict[str, Any], start: Any) -> Whole:
        assert (environ["REQUEST_METHOD"], environ["QUERY_STRING"], environ["HTTP_X_ONE"]) == ("POST", "x=1", "1")
        assert environ["wsgi.input"].read() == b"body"
        start("201 Created", [("X-Two", "2")])
        return answer

    head, body = ask(application, b"body")
    assert (head["status"], head["headers"], body["body"]) == (201, [(b"x-two", b"2")], b"ab")
    assert answer.closed


def test_pieces_go_out_as_they_come() -> None:
    def application(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"one"
        yield b"two"

    messages = ask(application)
    assert [message.get("body") for message in messages] == [None, b"one", b"two", b""]
    assert [message.get("more_body", False) for message in messages[1:]] == [True, True, False]


def test_a_body_in_pieces_is_read_as_one() -> None:
    read: list[bytes] = []

    def application(environ: dict[str, Any], start: Any) -> Whole:
        read.append(environ["wsgi.input"].read())
        start("200 OK", [])
        return Whole(b"fine")

    messages = ask(application, b"a" * 1000, b"b" * 1000, b"c")
    assert read == [b"a" * 1000 + b"b" * 1000 + b"c"]
    assert messages[0]["status"] == 200
    assert b"".join(message.get("body", b"") for message in messages[1:]) == b"fine"


def test_what_a_request_binds_is_not_seen_by_the_next() -> None:
    found: list[str] = []

    def application(_environ: Any, start: Any) -> Whole:
        found.append(SEEN.get())
        SEEN.set("mine")
        start("200 OK", [])
        return Whole()

    ask(application)
    ask(application)
    assert found == ["nothing", "nothing"]


def test_an_application_that_breaks_is_the_server_s_matter() -> None:
    def application(_environ: Any, _start: Any) -> Whole:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        ask(application)
