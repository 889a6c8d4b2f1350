"""The live stream: which topics, whose events."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.common.clock import now
from apps.live.selectors import read_horizon
from apps.live.services import record_event
from apps.live.stream import stop_reader
from tests.support.pages import Pages
from tests.support.world import PASSWORD

TOPIC = "exec:0000000000000000000001"


@pytest.fixture
def _reader_ended() -> Iterator[None]:
    yield
    stop_reader()


@pytest.mark.django_db
def test_unknown_topics_are_refused(alice: User, charlie: User) -> None:
    assert Pages(alice).get("/events", topics="secrets").status == 400
    assert Pages(alice).get("/events").status == 400
    assert Pages(alice).get("/events", topics=",".join([TOPIC] * 21)).status == 400
    assert Pages(charlie).get("/events", topics="executions").status == 404
    assert Pages().get("/events", topics="executions").status == 302


@pytest.mark.usefixtures("_reader_ended")
def test_a_person_hears_of_the_namespaces_he_sees(committed_alpha: str) -> None:
    # Basic credentials and no fixture of a person: those hold a transaction open, and events wait for it to end.
    credentials = base64.b64encode(f"bob@example.com:{PASSWORD}".encode()).decode()
    response = Client().get(
        "/ui/alpha/events", query_params={"topics": "executions"}, headers={"Authorization": f"Basic {credentials}"}
    )
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Accel-Buffering"] == "no"
    heard = asyncio.run(_first_change(response.streaming_content))
    assert heard["topic"] == TOPIC
    assert heard["data"] == {"where": "company.team"}


async def _first_change(content: AsyncIterator[bytes]) -> dict[str, object]:
    assert b"event: open" in await anext(content)
    waiting = asyncio.ensure_future(_next_change(content))
    async with asyncio.timeout(20):
        while not waiting.done():
            # the reader starts where it stands when it is ready: what was written before is not heard, so write on
            await asyncio.to_thread(_write)
            await asyncio.wait({waiting}, timeout=0.5)
    await content.aclose()  # type: ignore[attr-defined]
    return waiting.result()


async def _next_change(content: AsyncIterator[bytes]) -> dict[str, object]:
    async for message in content:
        if b"event: change" in message:
            data = next(line for line in message.decode().splitlines() if line.startswith("data: "))
            found: dict[str, object] = json.loads(data.removeprefix("data: "))
            return found
    raise AssertionError("the stream ended")


def _write() -> None:
    try:
        for namespace in ("company.payroll", "company.team"):
            record_event("alpha", TOPIC, namespace, "execution", {"where": namespace}, now())
    finally:
        connection.close()


@pytest.mark.usefixtures("_reader_ended")
def test_what_happened_since_the_page_was_read_is_told_first(committed_alpha: str) -> None:
    since = str(read_horizon())
    _write()
    credentials = base64.b64encode(f"bob@example.com:{PASSWORD}".encode()).decode()
    response = Client().get(
        "/ui/alpha/events",
        query_params={"topics": "executions", "since": since},
        headers={"Authorization": f"Basic {credentials}"},
    )

    async def first() -> dict[str, object]:
        async with asyncio.timeout(20):
            heard = await _next_change(response.streaming_content)
        await response.streaming_content.aclose()
        return heard

    assert asyncio.run(first())["data"] == {"where": "company.team"}
