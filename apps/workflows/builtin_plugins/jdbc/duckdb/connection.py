"""DuckDbConnection: DuckDB, in this process, behind the face all databases have."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any, ClassVar

import duckdb

from apps.workflows.builtin_plugins.jdbc.connection import Rows
from apps.workflows.builtin_plugins.jdbc.dialect import DUCKDB, Dialect
from apps.workflows.builtin_plugins.jdbc.fetching import BATCH
from apps.workflows.builtin_plugins.jdbc.statements import Bound
from apps.workflows.plugin_api.errors import TaskFailed

_COUNTS = ("Count", "BIGINT")
_DONE = ("Success", "BOOLEAN")
_BIG = frozenset({"HUGEINT", "UHUGEINT", "UBIGINT", "BIGNUM"})


class DuckDbConnection:
    """One connection. Everything of it happens in the worker process, its memory included."""

    dialect: ClassVar[Dialect] = DUCKDB

    def __init__(self, path: str, *, zone: tzinfo, config: dict[str, str | bool | int | float | list[str]]) -> None:
        self.zone = zone
        with _failures("Cannot open the DuckDB database"):
            self.connection = duckdb.connect(path, config=config)
            if (key := getattr(zone, "key", None)) is not None:
                self.connection.execute(f"SET TimeZone = '{key}'")

    def begin(self) -> None:
        """Begin a transaction."""
        with _failures():
            self.connection.begin()

    def commit(self) -> None:
        """End it."""
        with _failures():
            self.connection.commit()

    def rollback(self) -> None:
        """Undo it; where the statement itself has ended the transaction there is nothing left to undo."""
        try:
            self.connection.rollback()
        except duckdb.Error:
            return

    def run(self, statement: Bound, batch: int) -> Rows | None:
        """Run one statement."""
        with _failures():
            kinds = self.connection.extract_statements(statement.text)
            result = self.connection.execute(statement.text, None if statement.values is None else statement.values)
            described = [(column[0], str(column[1])) for column in result.description or ()]
        selects = bool(kinds) and kinds[0].type.name in ("SELECT", "EXPLAIN", "PRAGMA", "CALL", "RELATION")
        if not described or (not selects and described in ([_COUNTS], [_DONE])):
            return None
        converts = [self._convert(kind) for _, kind in described]
        return Rows([name for name, _ in described], _batches(result, min(batch, BATCH)), converts)

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement with ``?`` for each row."""
        with _failures():
            self.connection.executemany(statement, [list(row) for row in rows])
        return len(rows)

    def columns_of(self, table: str) -> list[str]:
        """The names of a table's columns."""
        with _failures():
            result = self.connection.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 — the flow's own name
            return [column[0] for column in result.description or ()]

    def cancel(self) -> None:
        """End the statement that runs."""
        self.connection.interrupt()

    def close(self) -> None:
        """Close it."""
        self.connection.close()

    def _convert(self, kind: str) -> Callable[[Any], Any] | None:
        if kind.startswith("TIMESTAMP"):
            return self._zoned
        if kind == "JSON":
            return json.loads
        if kind in _BIG or kind in ("UUID", "BIT"):
            return str
        return None

    def _zoned(self, value: datetime) -> datetime:
        return value.replace(tzinfo=self.zone) if value.tzinfo is None else value.astimezone(self.zone)


def _batches(result: duckdb.DuckDBPyConnection, size: int) -> Iterator[list[Any]]:
    while True:
        with _failures():
            rows = result.fetchmany(size)
        if not rows:
            return
        yield rows


@contextmanager
def _failures(what: str | None = None) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise TaskFailed(f"{what}: {error}" if what else str(error)) from error
