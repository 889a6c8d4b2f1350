"""News for open pages: the lines themselves, once per execution however many pages show it; only to who may read."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from apps.accounts.models import User
from apps.common.clock import now
from apps.common.ids import new_id, to_uuid
from apps.live.stream import RESYNC, Event
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.workflows.services import page_news as news
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow
from apps.workflows.services.following import stop_lookout
from tests.support.pages import Pages
from tests.support.world import ALPHA

FLOW = """\
id: watched
namespace: company.team
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: Hello}
"""
PATIENCE = 60


@pytest.fixture
def watched(committed_alpha: str) -> Iterator[str]:
    """An execution that waits for a worker, committed."""
    with tenant_scope(ALPHA):
        create_flow(acting_user=None, source=FLOW)
        yield create_execution(acting_user=None, request=StartRequest("company.team", "watched")).execution_id
    stop_lookout()
    asyncio.run(sync_to_async(connections.close_all)())


def write_lines(execution_id: str, *messages: str, age: timedelta = timedelta()) -> list[int]:
    """Numbers of the lines."""
    with connection.cursor() as cursor:
        numbers = []
        for message in messages:
            cursor.execute(
                "INSERT INTO log (execution_id, flow_ref, ts, level, message)"
                " SELECT id, flow_ref, %s, 3, %s FROM execution WHERE id = %s RETURNING id",
                [now() - age, message, to_uuid(execution_id)],
            )
            numbers.append(cursor.fetchone()[0])
    return numbers


async def texts_until(queue: asyncio.Queue[Event], last: str) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while last not in found:
            event = await queue.get()
            if event.kind == "lines":
                found += [line["text"] for line in event.data["lines"] if line["text"] not in found]
    return found


def test_all_pages_hear_each_line_once_read(watched: str) -> None:
    write_lines(watched, "long ago", age=timedelta(hours=1))
    (shown,) = write_lines(watched, "shown", age=timedelta(minutes=5))

    async def follow() -> None:
        async with (
            news.page_news(ALPHA, watched, line=shown) as alices,
            news.page_news(ALPHA, watched, line=shown) as bobs,
        ):
            await asyncio.to_thread(write_committed, watched, "first", "second")
            assert await texts_until(alices, "second") == ["first", "second"]
            assert await texts_until(bobs, "second") == ["first", "second"]
            assert len(news._FOLLOWED) == 1

    asyncio.run(follow())
    assert news._FOLLOWED == {}


def test_a_line_that_is_committed_after_a_later_one_is_not_missed(watched: str) -> None:
    async def follow() -> None:
        async with news.page_news(ALPHA, watched, line=0) as alices:
            slow, go_on = asyncio.Event(), asyncio.Event()
            loop = asyncio.get_running_loop()

            def write_slowly() -> None:
                with opened(), transaction.atomic():
                    write_lines(watched, "numbered first")
                    loop.call_soon_threadsafe(slow.set)
                    asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(PATIENCE)

            writing = asyncio.create_task(asyncio.to_thread(write_slowly))
            await slow.wait()
            await asyncio.to_thread(write_committed, watched, "committed first")
            assert await texts_until(alices, "committed first") == ["committed first"]
            go_on.set()
            await writing
            assert "numbered first" in await texts_until(alices, "numbered first")

    asyncio.run(follow())


def test_what_is_written_faster_than_anybody_reads_is_told_of(watched: str) -> None:
    async def follow() -> None:
        async with news.page_news(ALPHA, watched, line=0) as alices:
            await asyncio.to_thread(write_committed, watched, *(f"line {n}" for n in range(1200)))
            async with asyncio.timeout(PATIENCE):
                while (await alices.get()).kind != "more":
                    pass

    asyncio.run(follow())


def test_a_page_hears_that_task_runs_changed(watched: str) -> None:
    def change() -> None:
        with opened(), connection.cursor() as cursor:
            cursor.execute("UPDATE execution SET state = 'RUNNING' WHERE id = %s", [to_uuid(watched)])

    async def follow() -> None:
        async with news.page_news(ALPHA, watched, line=None) as alices:
            async with asyncio.timeout(PATIENCE):
                while next(iter(news._FOLLOWED.values())).pulse is None:
                    await asyncio.sleep(0.05)  # the first look is what changes are told from
                await asyncio.to_thread(change)
                event = await alices.get()
            assert (event.topic, event.data) == (f"exec-runs:{watched}", {"state": "RUNNING"})

    asyncio.run(follow())


def test_a_page_that_falls_behind_is_told_to_read_again() -> None:
    async def fall_behind() -> list[str]:
        page = news.Page(asyncio.get_running_loop(), asyncio.Queue(2))
        for _ in range(3):
            page.offer(Event("", "exec-logs:x", "", "lines", {}))
        return [page.queue.get_nowait().kind for _ in range(page.queue.qsize())]

    assert asyncio.run(fall_behind()) == [RESYNC]


@pytest.mark.django_db
def test_only_who_may_read_an_execution_follows_it(in_alpha: Tenant, alice: User, bob: User) -> None:
    create_flow(acting_user=None, source=FLOW.replace("company.team", "company.payroll"))
    hidden = create_execution(acting_user=None, request=StartRequest("company.payroll", "watched")).execution_id
    for topic in ("exec-logs", "exec-runs"):
        assert Pages(bob).get("/events", topics=f"{topic}:{hidden}").status == 404
        assert Pages(alice).get("/events", topics=f"{topic}:{new_id()}").status == 404


@contextmanager
def opened() -> Iterator[None]:
    """A connection of the thread's own."""
    try:
        with tenant_scope(ALPHA):
            yield
    finally:
        connection.close()


def write_committed(execution_id: str, *messages: str) -> None:
    with opened():
        write_lines(execution_id, *messages)
