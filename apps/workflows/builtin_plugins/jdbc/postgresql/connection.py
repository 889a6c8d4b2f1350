"""PostgresConnection: psycopg behind the face all databases have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any, BinaryIO, ClassVar

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from apps.workflows.builtin_plugins.jdbc.connection import Rows
from apps.workflows.builtin_plugins.jdbc.dialect import POSTGRESQL, Dialect
from apps.workflows.builtin_plugins.jdbc.fetching import BATCH
from apps.workflows.builtin_plugins.jdbc.postgresql.values import register_loaders
from apps.workflows.builtin_plugins.jdbc.statements import Bound
from apps.workflows.plugin_api.errors import TaskFailed

CANCEL_SECONDS = 5.0
NO_ROWS = "didn't produce a result"
"""How psycopg says that a statement it was to stream gives no rows; a test holds it to that."""
_TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid
LOOK_EVERY = "2s"
_LOOKS_SINCE = 140_000
PART = 256 * 1024
"""Bytes of a file that are sent at once."""


class PostgresConnection:
    """One connection. Rows are streamed: the server sends them as fast as they are taken."""

    dialect: ClassVar[Dialect] = POSTGRESQL

    def __init__(
        self, parameters: dict[str, str], *, zone: tzinfo, time_zone: str, search_path: str | None = None
    ) -> None:
        self.zone = zone
        with _failures("Cannot connect to PostgreSQL"):
            self.connection = psycopg.connect(
                make_conninfo(**parameters), autocommit=True, cursor_factory=psycopg.RawCursor, prepare_threshold=None
            )
        register_loaders(self.connection)
        wanted = {"DateStyle": "ISO", "IntervalStyle": "postgres", "TimeZone": time_zone}
        if search_path is not None:
            wanted["search_path"] = search_path
        try:
            with _failures("Cannot set up the connection"):
                calls = ", ".join(f"set_config(${2 * n + 1}, ${2 * n + 2}, false)" for n in range(len(wanted)))
                self.connection.execute(f"SELECT {calls}".encode(), [part for pair in wanted.items() for part in pair])
        except TaskFailed:
            self.close()
            raise
        self._notice_lost_workers()

    def _notice_lost_workers(self) -> None:
        """Let the server look whether we are still there while a statement runs: else a transaction whose worker was
        lost keeps its locks until the statement ends.
        """
        if self.connection.info.server_version < _LOOKS_SINCE:
            return
        try:
            self.connection.execute(f"SET client_connection_check_interval = '{LOOK_EVERY}'".encode())
        except psycopg.Error:
            return  # servers on some systems cannot look; it is an improvement alone

    def begin(self) -> None:
        """Begin a transaction."""
        with _failures():
            self.connection.execute("BEGIN")

    def commit(self) -> None:
        """End it."""
        with _failures("The transaction could not be committed"):
            # COMMIT of a transaction that has failed answers ROLLBACK without an error.
            if self.connection.execute("COMMIT").statusmessage == "ROLLBACK":
                raise TaskFailed("The transaction was rolled back by PostgreSQL")

    def rollback(self) -> None:
        """Undo it; a connection that is broken has been undone by the server."""
        try:
            self.connection.execute("ROLLBACK")
        except psycopg.Error:
            self.connection.close()

    def run(self, statement: Bound, batch: int) -> Rows | None:
        """Run one statement, its rows streamed."""
        cursor = self.connection.cursor()
        stream = cursor.stream(statement.text.encode(), _adapted(statement.values), size=max(1, min(batch, BATCH)))
        with _failures():
            try:
                first = next(stream, None)
            except psycopg.ProgrammingError as error:
                # What gives no rows has nothing to stream; it has been carried out all the same.
                if error.sqlstate is None and NO_ROWS in str(error):
                    return None
                raise
        described = cursor.description or ()
        converts = [self._zoned if column.type_code == _TIMESTAMPTZ else None for column in described]
        return Rows([column.name for column in described], _batches(first, stream), converts)

    def _zoned(self, value: datetime) -> datetime:
        # psycopg knows zones by name alone and gives UTC where the session's is an offset.
        return value if value.tzinfo is self.zone else value.astimezone(self.zone)

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement with ``?`` for each row, in a pipeline."""
        text, count = numbered(statement)
        if rows and count != len(rows[0]):
            raise TaskFailed(f"`sql` has {count} `?`, but the rows have {len(rows[0])} values")
        with _failures(), self.connection.cursor() as cursor:
            cursor.executemany(text.encode(), [_adapted(row) or () for row in rows])
            return max(cursor.rowcount, 0)

    def columns_of(self, table: str) -> list[str]:
        """The names of a table's columns."""
        with _failures(), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0".encode())  # noqa: S608 — the flow's own name
            return [column.name for column in cursor.description or ()]

    def copy_in(
        self, target: sql.Composable, options: sql.Composable, content: BinaryIO, check: Callable[[], None]
    ) -> int:
        """Load a file into a table; answers how many rows. ``check`` raises when it must stop: nothing is loaded."""
        with _failures(), self.connection.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY ") + target + sql.SQL(" FROM STDIN") + options) as copy:
                while part := content.read(PART):
                    check()
                    copy.write(part)
            return max(cursor.rowcount, 0)

    def copy_out(
        self, source: sql.Composable, options: sql.Composable, file: BinaryIO, check: Callable[[], None]
    ) -> int:
        """Write a table or query to a file; answers how many rows."""
        with _failures(), self.connection.cursor() as cursor:
            with cursor.copy(sql.SQL("COPY ") + source + sql.SQL(" TO STDOUT") + options) as copy:
                for number, part in enumerate(copy):
                    if number % BATCH == 0:
                        check()
                    file.write(part)
            return max(cursor.rowcount, 0)

    def cancel(self) -> None:
        """Ask the server to end the statement."""
        try:
            self.connection.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error:
            return  # asked again; a connection that is gone runs nothing

    def close(self) -> None:
        """Close it."""
        self.connection.close()


def numbered(text: str) -> tuple[str, int]:
    """The statement with ``$1`` … for each ``?`` that stands outside of texts and comments, and how many there are."""
    pattern = POSTGRESQL.pattern
    parts: list[str] = []
    count = position = end = 0
    while found := pattern.search(text, position):
        position = found.end()
        if found.lastgroup == "sign" and found[0] == "?":
            count += 1
            parts += [text[end : found.start()], f"${count}"]
            end = position
    return "".join(parts) + text[end:], count


def _adapted(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else [Jsonb(value) if isinstance(value, dict) else value for value in values]


def _batches(first: Any, stream: Iterator[Any]) -> Iterator[list[Any]]:
    with _failures():
        rows = [] if first is None else [first, *islice(stream, BATCH - 1)]
        while rows:
            yield rows
            rows = list(islice(stream, BATCH))


@contextmanager
def _failures(what: str | None = None) -> Iterator[None]:
    """Errors of the driver as TaskFailed, in the server's own words."""
    try:
        yield
    except psycopg.Error as error:
        shown = "\n".join(line for line in (str(error).strip(), _state(error)) if line)
        raise TaskFailed(f"{what}: {shown}" if what else shown or type(error).__name__) from error


def _state(error: psycopg.Error) -> str:
    return f"SQLSTATE {error.sqlstate}" if error.sqlstate else ""
