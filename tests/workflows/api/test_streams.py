"""Following an execution and its log, waiting for its end, and what is streamed, as an ASGI server does it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import AsyncClient

from apps.common import downloads
from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.live.stream import listener_count, stop_reader
from apps.storage.internal_storage import execution_address, open_storage
from apps.workflows.api import streams
from apps.workflows.api.streams import FreshLines, LinesAsked, execution_events, log_events
from apps.workflows.execution_store.save import LogRow, insert_logs
from apps.workflows.models import Execution, Flow
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.log_search import LogLine
from apps.workflows.services.executions import kill_execution
from apps.workflows.services.following import in_tenant, stop_lookout
from tests.support.api_client import ApiClient
from tests.support.flow_runner import FlowRunner
from tests.support.world import ALPHA, person
from tests.workflows.api.conftest import HELLO, started
from tests.workflows.api.test_executions import SLEEPER

SECONDS = 10


@pytest.fixture(autouse=True)
def _threads_end(running: object) -> Iterator[None]:
    yield
    stop_reader()
    stop_lookout()
    asyncio.run(sync_to_async(connections.close_all)())  # the thread in which the async client's requests ran


class Messages:
    """Server-sent events as a client reads them."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self.chunks = chunks

    async def next(self) -> dict[str, str]:
        """The next event that is no comment."""
        while True:
            chunk = (await asyncio.wait_for(anext(self.chunks), SECONDS)).decode()
            if not chunk.startswith(":"):
                return dict(line.split(": ", 1) for line in chunk.strip().splitlines())

    async def rest(self) -> list[dict[str, str]]:
        """All until the stream closes."""
        found = []
        while True:
            try:
                found.append(await self.next())
            except StopAsyncIteration:
                return found


def everywhere(namespace: str) -> bool:
    return True


def sleeping(client: ApiClient, runner: FlowRunner) -> str:
    client.post("/flows", SLEEPER)
    return started(client, runner, "company.team/sleeper")


def test_follower_sees_the_state_of_now_then_the_end_then_nothing(running: tuple[ApiClient, FlowRunner]) -> None:
    name = sleeping(*running)

    async def follow() -> None:
        messages = Messages(execution_events(ALPHA, name, everywhere))
        first = await messages.next()
        assert first["id"] == "progress"
        assert json.loads(first["data"])["state"]["current"] == "RUNNING"
        await in_tenant(ALPHA, kill_execution, acting_user=None, execution_id=name)
        *_, last = await messages.rest()
        assert last["id"] == "end"
        body = json.loads(last["data"])
        assert (body["state"]["current"], body["taskRunList"][0]["state"]["current"]) == ("KILLED", "KILLED")

    asyncio.run(follow())
    assert listener_count() == 0


def test_follower_of_an_ended_execution_gets_its_end_at_once(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    found = asyncio.run(Messages(execution_events(ALPHA, name, everywhere)).rest())
    assert [message["id"] for message in found] == ["end"]


def test_change_within_the_execution_is_progress(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = client.post("/executions/company.team/hello").json()["id"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE execution SET state = 'RUNNING' WHERE flow_id = 'hello'")

    def add_run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO task_run (id, execution_id, task_id, state, histories, ancestors, branch, lane, idx,"
                " loop_key, pending) SELECT gen_random_uuid(), id, 'log', 'RUNNING', histories, '{}', 'm', 0, 0, '',"
                " false FROM execution"
            )

    async def follow() -> None:
        messages = Messages(execution_events(ALPHA, name, everywhere))
        assert json.loads((await messages.next())["data"])["taskRunList"] == []
        await in_tenant(ALPHA, add_run)
        second = await messages.next()
        assert (second["id"], len(json.loads(second["data"])["taskRunList"])) == ("progress", 1)
        await messages.chunks.aclose()  # type: ignore[attr-defined]

    asyncio.run(follow())
    runner.jobs.clear()


def test_unknown_execution_is_an_error_event_after_a_while(
    running: tuple[ApiClient, FlowRunner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "APPEARS_WITHIN", 0.1)
    for events in (execution_events(ALPHA, new_id(), everywhere), log_events(ALPHA, LinesAsked(new_id()), everywhere)):
        (only,) = asyncio.run(Messages(events).rest())
        assert only["event"] == "error"
        assert json.loads(only["data"])["status"] == 404


def test_execution_that_appears_while_it_is_followed_is_shown_if_it_may_be_seen(
    running: tuple[ApiClient, FlowRunner],
) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    asked: list[str] = []

    async def follow(may: bool) -> dict[str, str]:
        name = new_id()

        def appear() -> None:
            made = client.post("/executions/company.team/hello").json()["id"]
            with connection.cursor() as cursor:
                cursor.execute("UPDATE execution SET id = %s WHERE id = %s", [to_uuid(name), to_uuid(made)])

        def may_see(namespace: str) -> bool:
            asked.append(namespace)
            return may

        messages = Messages(execution_events(ALPHA, name, may_see))
        waiting = asyncio.create_task(messages.next())
        await in_tenant(ALPHA, appear)
        first = await waiting
        await messages.chunks.aclose()  # type: ignore[attr-defined]
        return first

    assert asyncio.run(follow(True))["id"] == "progress"
    assert asyncio.run(follow(False))["event"] == "error"
    assert asked == ["company.team", "company.team"]
    runner.jobs.clear()


def write(name: str, message: str, level: Level = Level.INFO) -> None:
    insert_logs(name, Flow.objects.get().uid, [LogRow(None, 0, level, now(), message)])


def test_lines_come_as_they_are_written_and_an_empty_event_ends_them(running: tuple[ApiClient, FlowRunner]) -> None:
    name = sleeping(*running)

    async def follow() -> None:
        messages = Messages(log_events(ALPHA, LinesAsked(name, min_level=Level.INFO), everywhere))
        assert "Waiting" in json.loads((await messages.next())["data"])["message"]
        await in_tenant(ALPHA, write, name, "hidden", Level.DEBUG)
        await in_tenant(ALPHA, write, name, "later")
        line = await messages.next()
        assert json.loads(line["data"])["message"] == "later"
        assert line["id"].isdecimal()
        await in_tenant(ALPHA, kill_execution, acting_user=None, execution_id=name)
        *_, last = await messages.rest()
        assert last == {"id": "end", "data": "{}"}

    asyncio.run(follow())


def test_follower_that_comes_back_gets_what_it_missed(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    write(name, "one more")
    first, second, end = asyncio.run(Messages(log_events(ALPHA, LinesAsked(name), everywhere)).rest())
    assert end["id"] == "end"
    again = asyncio.run(Messages(log_events(ALPHA, LinesAsked(name, after=int(first["id"])), everywhere)).rest())
    assert [message["id"] for message in again] == [second["id"], "end"]


def line(number: int) -> LogLine:
    return LogLine(number, "a", "b", None, None, None, None, None, now(), Level.INFO, str(number))


def test_line_that_commits_late_with_a_lower_number_is_not_lost_and_none_comes_twice() -> None:
    fresh = FreshLines(0)
    assert [one.number for one in fresh.take([line(5), line(7)], 0.0)] == [5, 7]
    assert fresh.after == 0, "what was just read has not settled"
    assert [one.number for one in fresh.take([line(5), line(6), line(7), line(9)], 2.0)] == [6, 9]
    assert fresh.take([line(5), line(6), line(7), line(9)], 6.0) == []
    assert fresh.after == 7
    assert [one.number for one in fresh.take([line(8), line(9)], 6.5)] == [8]


def test_full_pages_are_read_on_from_their_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PAGE", 3)
    fresh = FreshLines(0)
    fresh.take([line(1), line(2), line(3)], 0.0)
    assert (fresh.after, fresh.seen) == (3, set())


def signed_in() -> AsyncClient:
    client = AsyncClient()
    client.force_login(person("alice"))
    return client


def test_routes_stream_and_release_the_connection(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    caller = signed_in()

    async def ask() -> None:
        followed = await caller.get(f"/api/v1/alpha/executions/{name}/follow")
        assert followed.headers["Content-Type"] == "text/event-stream"
        assert followed.headers["X-Accel-Buffering"] == "no"
        assert [message["id"] for message in await Messages(aiter(followed)).rest()] == ["end"]
        lines = await caller.get(f"/api/v1/alpha/logs/{name}/follow", headers={"Last-Event-ID": "0"})
        assert [message["id"] for message in await Messages(aiter(lines)).rest()][-1] == "end"
        text = await caller.get(f"/api/v1/alpha/logs/{name}/download")
        assert text.headers["Content-Type"].startswith("text/plain")
        assert b"".join([part async for part in text]).endswith(b"Hello world\n")
        for path in ("executions/nonsense/follow", "logs/nonsense/follow"):
            assert (await caller.get(f"/api/v1/alpha/{path}")).status_code == 404

    asyncio.run(ask())


def test_file_is_streamed_in_parts(running: tuple[ApiClient, FlowRunner], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "PART_BYTES", 4)
    client, runner = running
    client.post("/flows", HELLO)
    name = started(client, runner)
    address = execution_address("company.team", "hello", name) + "/tasks/log/x/résumé.html"
    open_storage().put(address, b"0123456789")
    caller = signed_in()

    async def ask() -> None:
        answer = await caller.get(f"/api/v1/alpha/executions/{name}/file", query_params={"path": address})
        assert [part async for part in answer] == [b"0123", b"4567", b"89"]
        assert answer.headers["Content-Length"] == "10"
        assert answer.headers["Content-Type"] == "application/octet-stream", "no page of ours shows a user's HTML"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.html"

    asyncio.run(ask())


def test_waiting_answers_with_the_ended_execution(running: tuple[ApiClient, FlowRunner]) -> None:
    client, runner = running
    client.post("/flows", HELLO)
    caller = signed_in()

    def run_jobs() -> None:
        runner.jobs.run()

    async def ask() -> Any:
        answer = await caller.post("/api/v1/alpha/executions/company.team/hello", query_params={"wait": "true"})
        assert answer.status_code == 200
        reading = asyncio.create_task(_whole(aiter(answer)))
        await in_tenant(ALPHA, run_jobs)
        return json.loads(await asyncio.wait_for(reading, SECONDS))

    body = asyncio.run(ask())
    assert body["state"]["current"] == "SUCCESS"
    assert len(body["taskRunList"]) == 1
    assert body["url"].endswith(body["id"])
    assert Execution.objects.get().state == "SUCCESS"


async def _whole(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])
