"""The embedded broker: messages through kombu over PostgreSQL, and throwing the queues away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.message import Message

from kestra_ee.launcher import queue_transport
from kestra_ee.launcher.broker import EmbeddedBroker, transport_options
from kestra_ee.launcher.errors import BrokerError
from kestra_ee.launcher.postgres import EmbeddedPostgres


@pytest.fixture(scope="module")
def broker(throw_away: EmbeddedPostgres) -> EmbeddedBroker:
    queue_transport.register()  # kombu keeps the first answer, so before any connection
    throw_away.create_database("shop")
    with throw_away.connect("shop") as connection:
        connection.execute("create table truth as select 1 as n")
    broker = EmbeddedBroker(throw_away.url("shop"))
    broker.reset()
    return broker


def connect(broker: EmbeddedBroker) -> Connection:
    return Connection(broker.url, transport_options=transport_options(broker.url))


def test_address_is_a_database_of_its_own(broker: EmbeddedBroker) -> None:
    assert broker.url.startswith("pgmq://kestra:")
    assert broker.url.endswith("/shop_queue")


def test_a_message_sent_is_received(broker: EmbeddedBroker) -> None:
    with connect(broker) as connection, connection.SimpleQueue("worker.default") as queue:
        queue.put({"execution": "abc"})
        message = queue.get(timeout=5)
        message.ack()
        assert message.payload == {"execution": "abc"}


def test_an_idle_consumer_has_a_short_breath(broker: EmbeddedBroker) -> None:
    """Celery asks for 2 s, twice, before it notices that it shall stop."""
    with connect(broker) as connection, connection.Consumer(Queue("idle"), callbacks=[]):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=2)
    assert time.monotonic() - began < 1


def test_another_database_in_the_environment_is_not_taken_for_the_queue(
    broker: EmbeddedBroker, throw_away: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", throw_away.url("shop"))
    plain_options = {"init_extension": False, "use_notify": True, "wait_time_seconds": 0}
    with (
        Connection(broker.url, transport_options=plain_options) as connection,
        connection.SimpleQueue("worker.default") as queue,
    ):
        queue.put("here")
        message = queue.get(timeout=5)
        message.ack()
        assert message.payload == "here"


def test_is_made_once(broker: EmbeddedBroker) -> None:
    assert not broker.ensure()


def test_another_version_is_made_again(broker: EmbeddedBroker, throw_away: EmbeddedPostgres) -> None:
    with throw_away.connect() as connection:
        connection.execute("comment on database shop_queue is 'pgmq 0.0.1'")
    assert broker.ensure()
    assert not broker.ensure()


def test_reset_loses_messages_and_nothing_else(broker: EmbeddedBroker, throw_away: EmbeddedPostgres) -> None:
    with connect(broker) as connection, connection.SimpleQueue("executor") as queue:
        queue.put({"execution": "abc"})
    broker.reset()
    with connect(broker) as connection, connection.SimpleQueue("executor") as queue:
        with pytest.raises(queue.Empty):
            queue.get_nowait()
        queue.put({"execution": "def"})
        assert queue.get(timeout=5).payload == {"execution": "def"}
    with throw_away.connect("shop") as database:
        assert database.execute("select n from truth").fetchone() == (1,)


def test_a_user_who_may_not_create_databases_is_told_so(throw_away: EmbeddedPostgres) -> None:
    with throw_away.connect() as connection:
        connection.execute("create role guest login password 'guest'")
        connection.execute("create database guests owner guest")
    url = f"postgresql://guest:guest@127.0.0.1:{throw_away.port}/guests"
    psycopg.connect(url).close()
    with pytest.raises(BrokerError, match="CELERY_BROKER_URL is not set"):
        EmbeddedBroker(url).ensure()


@pytest.mark.filterwarnings("ignore:list_queues")  # kombu hides it, but not from threads
def test_processes_that_use_a_new_queue_at_once_do_not_stand_in_each_others_way(broker: EmbeddedBroker) -> None:
    def send(number: int) -> None:
        with connect(broker) as connection, connection.SimpleQueue("crowded") as queue:
            queue.put({"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(24)))
    received = set()
    with connect(broker) as connection, connection.SimpleQueue("crowded") as queue:
        for _ in range(24):
            message = queue.get(timeout=10)
            received.add(message.payload["number"])
            message.ack()
    assert received == set(range(24))


def test_a_full_consumer_takes_the_next_message_as_soon_as_a_place_is_free(broker: EmbeddedBroker) -> None:
    """Messages that wait already wake nobody: 20 of them, one at a time, must not take 20 waits."""
    with connect(broker) as connection, connection.SimpleQueue("backlog") as queue:
        for number in range(20):
            queue.put({"number": number})
    with connect(broker) as connection:
        held: list[Message] = []
        consumer = connection.Consumer(Queue("backlog"), callbacks=[lambda body, message: held.append(message)])
        consumer.qos(prefetch_count=1)
        with consumer:
            began = time.monotonic()
            for count in range(1, 21):
                worker = threading.Timer(0.01, lambda: held[-1].ack()) if held else None
                if worker is not None:
                    worker.start()
                while len(held) < count:
                    connection.drain_events(timeout=2)
                if worker is not None:
                    worker.join()
            held[-1].ack()
    assert time.monotonic() - began < 3


def test_messages_that_are_gathered_go_in_one_statement_or_not_at_all(
    broker: EmbeddedBroker, throw_away: EmbeddedPostgres
) -> None:
    with connect(broker) as connection, connection.SimpleQueue("gathered") as queue:
        queue.put({"number": 0})  # makes the queue
        with throw_away.connect("shop_queue") as database:
            (name,) = database.execute(
                "select queue_name from pgmq.list_queues() where queue_name ~ 'gathered'"
            ).fetchone()
            database.execute("create table statements (n int)")
            database.execute(
                "create function counted() returns trigger language plpgsql as"
                " 'begin insert into statements values (1); return null; end'"
            )
            database.execute(
                f"create trigger counted after insert on pgmq.q_{name} for each statement execute function counted()"
            )
        with queue_transport.gathered_messages():
            for number in range(1, 50):
                queue.put({"number": number})
            with throw_away.connect("shop_queue") as database:
                assert database.execute("select count(*) from statements").fetchone() == (0,), "not before the end"
        with pytest.raises(LookupError), queue_transport.gathered_messages():
            queue.put({"number": -1})
            raise LookupError
        received = [queue.get(timeout=5).payload["number"] for _ in range(50)]
        assert received == list(range(50))
        with pytest.raises(queue.Empty):
            queue.get_nowait()
    with throw_away.connect("shop_queue") as database:
        assert database.execute("select count(*) from statements").fetchone() == (1,)
