"""kombu's pgmq transport with a shorter breath and an address of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from queue import Empty
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import psycopg
from kombu.transport import TRANSPORT_ALIASES, pgmq

LONGEST_DRAIN_SECONDS: Final = 0.5
FULL_PAUSE_SECONDS: Final = 0.002
FULL_PAUSE_MOST_SECONDS: Final = 0.1
VERIFIED_SECONDS: Final = 1.0
MAKING_QUEUES: Final = 7_431_002
"""Advisory lock, in the queues' own database."""


_gathered: ContextVar[dict[tuple[Any, str], list[str]] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathered_messages() -> Iterator[None]:
    """What is sent inside goes at its end, in one statement for each queue; nothing goes when the inside raises.

    Of pgmq alone: other transports send as ever.
    """
    messages: dict[tuple[Any, str], list[str]] = {}
    token = _gathered.set(messages)
    try:
        yield
    finally:
        _gathered.reset(token)
    for (channel, queue), texts in messages.items():
        channel.put_all(queue, texts)


class Channel(pgmq.Channel):
    """Sends and takes with one statement each, and turns the wake-ups of a queue on once.

    pgmq makes the trigger anew each time, which locks the queue's table against everyone; several processes that begin
    at once then deadlock, and their first messages are lost.
    """

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        """One statement, in place of a transaction of three; one for many, where they are gathered."""
        gathered = _gathered.get()
        if gathered is not None:
            gathered.setdefault((self, queue), []).append(json.dumps(message))
            return
        with self._autocommitting() as database:
            database.execute("select pgmq.send(%s, %s::jsonb)", [self._queue_name(queue), json.dumps(message)])

    def put_all(self, queue: str, messages: list[str]) -> None:
        """Messages that were gathered."""
        with self._autocommitting() as database:
            database.execute("select pgmq.send_batch(%s, %s::jsonb[])", [self._queue_name(queue), messages])

    def _receive_messages(
        self, queue: str, qty: int = 1, *, poll: bool = False, timeout: float | None = None, no_ack: bool = False
    ) -> list[dict[str, Any]]:
        """Messages leave the queue as they are taken: one statement, in place of a read and, after it, a delete.

        What a consumer holds when it is killed is lost, as messages may be; one that stops in order puts it back.
        """
        with self._autocommitting() as database:
            found = database.execute(
                "select msg_id, message from pgmq.pop(%s, %s)", [self._queue_name(queue), qty]
            ).fetchall()
        return [message for _, message in sorted(found, key=lambda row: row[0])]

    def _pgmq_message_to_python(self, pgmq_message: dict[str, Any], queue: str) -> dict[str, Any]:
        """It is one already, and carries no number by which it could be deleted."""
        return pgmq_message

    @contextmanager
    def _autocommitting(self) -> Iterator[psycopg.Connection[Any]]:
        pool = self.pgmq.pool
        if pool is None:
            raise ConnectionError("The queue's connections were closed.")
        with pool.connection() as database:
            if not database.autocommit:
                database.autocommit = True
            yield database

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        with self._one_at_a_time():
            super()._new_queue(queue, **kwargs)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        name = queue_name or self._queue_name(queue)
        if not self.use_notify:
            return
        if self._wakes(name):
            self.connection._register_notify_queue(name)
        else:
            with self._one_at_a_time():
                super()._maybe_enable_notify(queue, queue_name=name)

    def _wakes(self, name: str) -> bool:
        """Whether the queue has its trigger."""
        with self._database() as database:
            found = database.execute(
                "select 1 from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n"
                " on n.oid = c.relnamespace where n.nspname = 'pgmq' and c.relname = %s and t.tgname = %s",
                [f"q_{name}", "trigger_notify_queue_insert_listeners"],
            ).fetchone()
        return found is not None

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Nobody else makes queues or triggers meanwhile; may be nested."""
        if self._making:
            yield
            return
        with self._database() as database:
            database.execute("select pg_advisory_xact_lock(%s)", [MAKING_QUEUES])
            self._making = True
            try:
                yield
            finally:
                self._making = False

    _making = False

    def _database(self) -> psycopg.Connection[Any]:
        address: str = self.transport_options["conn_string"]
        return psycopg.connect(address, connect_timeout=10)


class Transport(pgmq.Transport):
    """Shorter waits, and an address of its own.

    Celery looks for a stop only between two drains, and twice 2 s pass in them even when nothing comes. A consumer
    that holds as many messages as it may is woken by no message when one of them is done: it has to look again soon,
    or each free place waits for the next NOTIFY. And the pgmq client prefers DATABASE_URL of the environment to the
    host and database it is told, but not to a whole address.
    """

    Channel = Channel
    _verified = 0.0

    def verify_connection(self, connection: Any) -> bool:
        """kombu asks before each message, and pgmq then lists all queues: once a second is enough."""
        if connection is not None and monotonic() - self._verified < VERIFIED_SECONDS:
            return True
        alive: bool = super().verify_connection(connection)
        self._verified = monotonic() if alive else 0.0
        return alive

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver what is there, or the next message to come. Raises TimeoutError."""
        cycle: Any = self.cycle
        until = monotonic() + (LONGEST_DRAIN_SECONDS if timeout is None else min(timeout, LONGEST_DRAIN_SECONDS))
        pause = FULL_PAUSE_SECONDS
        while True:
            try:
                cycle.get(self._deliver, timeout=timeout)
            except Empty:
                left = until - monotonic()
                if left <= 0 and timeout is not None:
                    raise TimeoutError from None
                if self._is_full():
                    sleep(min(pause, max(left, FULL_PAUSE_SECONDS)))  # a place is freed by another thread
                    pause = min(pause * 2, FULL_PAUSE_MOST_SECONDS)
                else:
                    self._get_notify_waiter().wait(min(max(left, 0.01), LONGEST_DRAIN_SECONDS))
            else:
                return

    def _is_full(self) -> bool:
        """Whether a consumer holds as many messages as it may."""
        return any(channel._consumers and not channel.qos.can_consume() for channel in self.channels)

    def _create_pgmq_client(self) -> Any:
        told: Any = self.client
        login = f"{quote(told.userid or '', safe='')}:{quote(told.password or '', safe='')}"
        place = f"{told.hostname or 'localhost'}:{told.port or self.default_port}"
        told.transport_options.setdefault("conn_string", f"postgresql://{login}@{place}/{told.virtual_host}")
        return super()._create_pgmq_client()


def register() -> None:
    """From now on pgmq:// means this one, in this process. Call it where the Celery app is made."""
    TRANSPORT_ALIASES["pgmq"] = f"{__name__}:Transport"
