"""Following live events: none missed, none twice, none of others; one reader, and none when nobody listens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.db import connection

from apps.common.clock import now
from apps.live import stream
from apps.live.selectors import Position, parse_position, read_events, read_horizon
from apps.live.services import record_event
from apps.live.stream import (
    HEARTBEAT,
    RESYNC,
    Event,
    leave_request_thread,
    listener_count,
    listening,
    sse_message,
    stop_reader,
    subscribe,
    with_heartbeat,
)

SECONDS = 10


@pytest.fixture(autouse=True)
def _reader_ends(committed_alpha: str) -> Iterator[None]:
    yield
    stop_reader()
    assert listener_count() == 0


def tell(topic: str = "exec:1", *, tenant: str = "alpha", namespace: str = "company.team", **data: Any) -> None:
    """Commit one event, from a thread of its own or from the test."""
    record_event(tenant, topic, namespace, "execution", data, now())


def tell_elsewhere(*arguments: Any, **named: Any) -> None:
    try:
        tell(*arguments, **named)
    finally:
        connection.close()


async def take(events: AsyncIterator[Event], count: int) -> list[Event]:
    return [await asyncio.wait_for(anext(events), SECONDS) for _ in range(count)]


def other_connection() -> "psycopg.Connection[Any]":
    """A session of its own, to hold a transaction open."""
    return psycopg.connect(**{**connection.get_connection_params(), "cursor_factory": psycopg.Cursor})


def test_listener_gets_the_events_of_its_topics_in_order() -> None:
    async def listen() -> list[Event]:
        async with listening("alpha", ["exec:1", "exec:2"]) as events:
            for number, topic in enumerate(("exec:1", "exec:3", "exec:2", "exec:1")):
                await asyncio.to_thread(tell_elsewhere, topic, n=number)
            return await take(events, 3)

    found = asyncio.run(listen())
    assert [(event.topic, event.data["n"]) for event in found] == [("exec:1", 0), ("exec:2", 2), ("exec:1", 3)]
    assert {event.namespace for event in found} == {"company.team"}


def test_one_topic_stands_for_all_executions() -> None:
    async def listen() -> list[Event]:
        async with listening("alpha", ["executions"]) as events:
            await asyncio.to_thread(tell_elsewhere, "exec:8")
            await asyncio.to_thread(tell_elsewhere, "exec:9")
            return await take(events, 2)

    assert [event.topic for event in asyncio.run(listen())] == ["exec:8", "exec:9"]


def test_nothing_of_other_tenants_or_hidden_namespaces_is_heard() -> None:
    async def listen() -> list[Event]:
        async with listening("alpha", ["executions"], namespaces=["company.team"]) as events:
            await asyncio.to_thread(tell_elsewhere, tenant="beta", n=1)
            await asyncio.to_thread(tell_elsewhere, namespace="company.other", n=2)
            await asyncio.to_thread(tell_elsewhere, namespace="company.teams", n=3)
            await asyncio.to_thread(tell_elsewhere, namespace="company.team.sub", n=4)
            return await take(events, 1)

    assert [event.data for event in asyncio.run(listen())] == [{"n": 4}]


def test_event_of_a_late_commit_is_not_skipped() -> None:
    async def listen() -> list[int]:
        with other_connection() as slow:
            async with listening("alpha", ["executions"]) as events:
                slow.execute(
                    "INSERT INTO public.live_event (tenant, topic, namespace, kind, data, at)"
                    " VALUES ('alpha', 'exec:1', 'company.team', 'execution', '{\"n\": 1}', now())"
                )
                await asyncio.to_thread(tell_elsewhere, n=2)
                waiting = asyncio.ensure_future(anext(events))
                await asyncio.wait({waiting}, timeout=3 * stream.POLL_SECONDS)
                assert not waiting.done(), "an older transaction is still open"
                slow.commit()
                first = await asyncio.wait_for(waiting, SECONDS)
                (second,) = await take(events, 1)
                return [first.data["n"], second.data["n"]]

    assert sorted(asyncio.run(listen())) == [1, 2]


def test_listener_that_comes_back_gets_what_it_missed_once() -> None:
    async def listen() -> tuple[list[int], list[int]]:
        async with listening("alpha", ["executions"]) as events:
            await asyncio.to_thread(tell_elsewhere, n=1)
            (first,) = await take(events, 1)
        for number in (2, 3):
            await asyncio.to_thread(tell_elsewhere, n=number)
        again = []
        async with listening("alpha", ["executions"], first.id) as events:
            again += await take(events, 2)
            await asyncio.to_thread(tell_elsewhere, n=4)
            again += await take(events, 1)
        return [first.data["n"]], [event.data["n"] for event in again]

    assert asyncio.run(listen()) == ([1], [2, 3, 4])


def test_listener_that_missed_too_much_is_told_to_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    start = str(read_horizon())
    for number in range(3):
        tell(n=number)
    monkeypatch.setattr("apps.live.selectors.PAGE", 3)
    monkeypatch.setattr(stream, "PAGE", 3)

    async def listen() -> list[Event]:
        async with listening("alpha", ["executions"], start) as events:
            return await take(events, 1)

    assert [event.kind for event in asyncio.run(listen())] == [RESYNC]


def test_listener_that_falls_behind_is_told_to_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "QUEUE_SIZE", 2)

    async def listen() -> list[Event]:
        async with listening("alpha", ["executions"]) as events:
            for number in range(5):
                await asyncio.to_thread(tell_elsewhere, n=number)
            reached = await asyncio.to_thread(_horizon)
            while stream._HUB.reached < reached:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)
            return await take(events, 1)

    assert [event.kind for event in asyncio.run(listen())] == [RESYNC]


def _horizon() -> Position:
    try:
        return read_horizon()
    finally:
        connection.close()


def test_many_listeners_share_one_reader_which_ends_with_the_last() -> None:
    def readers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "live-events"]

    async def listen() -> list[int]:
        async def one() -> int:
            async for event in subscribe("alpha", ["executions"]):
                return int(event.data["n"])
            return -1

        tasks = [asyncio.create_task(one()) for _ in range(20)]
        while listener_count() < 20:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(stream._HUB.wait_until_ready)
        assert len(readers()) == 1
        await asyncio.to_thread(tell_elsewhere, n=7)
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(listen()) == [7] * 20
    stop_reader()
    assert readers() == []


def test_reader_goes_on_after_the_database_was_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "RETRY_SECONDS", 0.05)

    async def listen() -> list[Event]:
        async with listening("alpha", ["executions"]) as events:
            await asyncio.to_thread(_end_session_of_reader)
            await asyncio.to_thread(tell_elsewhere, n=1)
            return await take(events, 1)

    assert [event.data for event in asyncio.run(listen())] == [{"n": 1}]


def _end_session_of_reader() -> None:
    with other_connection() as session:
        found = session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%live_event l%'"
            " AND pid <> pg_backend_pid()"
        ).fetchall()
    assert found, "the reader has a session of its own"


def test_reading_stops_at_a_page_and_goes_on_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    start = read_horizon()
    for number in range(5):
        tell(n=number)
    monkeypatch.setattr("apps.live.selectors.PAGE", 2)
    seen, position = [], start
    while True:
        rows, position = read_events(["alpha"], position)
        seen += [row.data["n"] for row in rows]
        if len(rows) < 2:
            break
    assert seen == [0, 1, 2, 3, 4]
    assert read_events(["alpha"], position) == ([], read_horizon())


@pytest.mark.parametrize("text", [None, "", "progress", "1", "1-", "-1", "1-x", "9999999999999999999-1", "1-2-3"])
def test_id_of_another_stream_is_no_position(text: str | None) -> None:
    assert parse_position(text) is None


def test_position_is_read_from_its_text() -> None:
    assert parse_position(str(Position(12, 34))) == Position(12, 34)


def test_message_keeps_lines_apart() -> None:
    assert sse_message("a\nb", event_id="1", event="x", retry=5) == b"id: 1\nevent: x\nretry: 5\ndata: a\ndata: b\n\n"


def test_quiet_stream_beats_and_closes_what_it_reads() -> None:
    closed = []

    async def quiet() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.sleep(SECONDS)
        finally:
            closed.append(True)

    async def read() -> list[bytes]:
        messages = with_heartbeat(quiet(), seconds=0.01)
        found = [await anext(messages) for _ in range(3)]
        await messages.aclose()  # type: ignore[attr-defined]
        return found

    assert asyncio.run(read()) == [b"first", HEARTBEAT, HEARTBEAT]
    assert closed == [True]


def test_stream_ends_with_its_messages_or_with_its_time() -> None:
    async def two() -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"

    async def for_ever() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"x"

    async def read() -> tuple[list[bytes], int]:
        short = [message async for message in with_heartbeat(two())]
        long = [message async for message in with_heartbeat(for_ever(), most_seconds=0.1)]
        return short, len(long)

    short, long = asyncio.run(read())
    assert short == [b"1", b"2"]
    assert long >= 1


def test_listener_that_leaves_in_the_middle_is_forgotten() -> None:
    async def listen() -> int:
        task = asyncio.create_task(take(subscribe("alpha", ["executions"]), 1))
        while not listener_count():
            await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return listener_count()

    assert asyncio.run(listen()) == 0


def test_open_stream_keeps_no_thread_of_its_request() -> None:
    async def request() -> tuple[bool, bool]:
        async with ThreadSensitiveContext():
            of_the_view = await sync_to_async(threading.current_thread)()
            leave_request_thread()
            await asyncio.to_thread(of_the_view.join, SECONDS)
            later = await sync_to_async(threading.current_thread)()
            return of_the_view.is_alive(), later.is_alive()

    assert asyncio.run(request()) == (False, True), "it ends at once; what runs later gets one of its own"
