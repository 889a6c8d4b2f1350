"""SqliteConnection: the standard library's SQLite behind the face all databases have."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, ClassVar

from apps.workflows.builtin_plugins.jdbc.connection import Rows
from apps.workflows.builtin_plugins.jdbc.dialect import SQLITE, Dialect
from apps.workflows.builtin_plugins.jdbc.fetching import BATCH
from apps.workflows.builtin_plugins.jdbc.statements import Bound
from apps.workflows.plugin_api.errors import TaskFailed

BUSY_SECONDS = 10.0
"""How long another one's lock on the file is waited for."""


class SqliteConnection:
    """One connection, to a file or to memory."""

    dialect: ClassVar[Dialect] = SQLITE

    def __init__(self, target: str, *, uri: bool) -> None:
        with _failures("Cannot open the SQLite database"):
            self.connection = sqlite3.connect(
                target,
                uri=uri,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # a kill interrupts it from another thread
                detect_types=sqlite3.PARSE_DECLTYPES,
            )

    def begin(self) -> None:
        """Begin a transaction."""
        with _failures():
            self.connection.execute("BEGIN")

    def commit(self) -> None:
        """End it."""
        with _failures():
            if self.connection.in_transaction:
                self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo it."""
        with _failures():
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def run(self, statement: Bound, batch: int) -> Rows | None:
        """Run one statement."""
        with _failures():
            cursor = self.connection.execute(statement.text, [_adapted(value) for value in statement.values or ()])
        if cursor.description is None:
            return None
        names = [column[0] for column in cursor.description]
        return Rows(names, _batches(cursor, min(batch, BATCH)), [None] * len(names))

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement with ``?`` for each row."""
        with _failures():
            adapted = [[_adapted(value) for value in row] for row in rows]
            return max(self.connection.executemany(statement, adapted).rowcount, 0)

    def columns_of(self, table: str) -> list[str]:
        """The names of a table's columns."""
        with _failures():
            cursor = self.connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 — the flow's own name
            return [column[0] for column in cursor.description]

    def cancel(self) -> None:
        """End the statement that runs."""
        try:
            self.connection.interrupt()
        except sqlite3.ProgrammingError:
            return  # it is closed

    def close(self) -> None:
        """Close it."""
        self.connection.close()


def _adapted(value: Any) -> Any:
    if isinstance(value, bool | int | float | str | bytes) or value is None:
        return value
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _batches(cursor: sqlite3.Cursor, size: int) -> Iterator[list[Any]]:
    while True:
        with _failures():
            rows = cursor.fetchmany(size)
        if not rows:
            return
        yield rows


@contextmanager
def _failures(what: str | None = None) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, OverflowError) as error:
        raise TaskFailed(f"{what}: {error}" if what else str(error)) from error


def _declared(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """A value of a column declared as a date; what is none stays what it is: SQLite checks nothing."""

    def convert(held: bytes) -> Any:
        text = held.decode(errors="replace")
        try:
            return parse(text)
        except ValueError:
            return int(text) if text.lstrip("-").isdigit() else text

    return convert


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true"):
        return True
    if text.lower() in ("0", "false"):
        return False
    raise ValueError(text)


# They count where a connection asks for them, which only this one does.
sqlite3.register_converter("DATE", _declared(date.fromisoformat))
sqlite3.register_converter("TIME", _declared(time.fromisoformat))
sqlite3.register_converter("DATETIME", _declared(datetime.fromisoformat))
sqlite3.register_converter("TIMESTAMP", _declared(datetime.fromisoformat))
sqlite3.register_converter("BOOLEAN", _declared(_boolean))
