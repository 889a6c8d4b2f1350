"""SqlConnection: what the tasks need of a driver, whichever it is; and ending a statement from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Protocol

from apps.workflows.builtin_plugins.jdbc.dialect import Dialect
from apps.workflows.builtin_plugins.jdbc.statements import Bound
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

CANCEL_EVERY = 0.25
"""Seconds between two orders to stop: one that comes between two statements is lost."""

Columns = Sequence[Sequence[Any]]
"""Rows of one batch by column."""
Convert = Callable[[Any], Any]


class Rows:
    """The rows a statement gives: their names, and the rows in batches, by column, each value as flows see it."""

    def __init__(
        self, names: Sequence[str], batches: Iterator[Sequence[Sequence[Any]]], converts: Sequence[Convert | None]
    ) -> None:
        self.names = names
        self._batches = batches
        self._converts = converts

    def batches(self) -> Iterator[Columns]:
        """Each batch by column."""
        for rows in self._batches:
            if not rows:
                continue
            columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
            for place, convert in enumerate(self._converts):
                if convert is not None:
                    columns[place] = [None if value is None else convert(value) for value in columns[place]]
            yield columns


class SqlConnection(Protocol):
    """One connection. Errors of the driver come as TaskFailed with the database's own words."""

    dialect: ClassVar[Dialect]

    def begin(self) -> None:
        """Begin a transaction; without it each statement is committed by itself."""
        ...

    def commit(self) -> None:
        """End the transaction: all or nothing."""
        ...

    def rollback(self) -> None:
        """End the transaction as if nothing had been done."""
        ...

    def run(self, statement: Bound, batch: int) -> Rows | None:
        """Run one statement; its rows, to be read before the next one runs, or None when it gives none.

        Rows are fetched ``batch`` at a time, so that memory does not grow with them where the driver can.
        """
        ...

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement with ``?`` for each of the rows; answers how many rows it has changed."""
        ...

    def columns_of(self, table: str) -> list[str]:
        """The names of a table's columns."""
        ...

    def cancel(self) -> None:
        """End the statement that runs, at the server; called from another thread."""
        ...

    def close(self) -> None:
        """Give the connection back; what is not committed is lost."""
        ...


@contextmanager
def stoppable(context: RunContext, connection: SqlConnection) -> Iterator[None]:
    """While this is open, a kill or a time-out ends what the connection is doing; then TaskKilled or TaskTimedOut."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def cancel() -> None:
        while not over.is_set():
            connection.cancel()
            over.wait(CANCEL_EVERY)

    def stop() -> None:
        thread = threading.Thread(target=cancel, name="cancel-sql", daemon=True)
        threads.append(thread)
        thread.start()

    forget = context.cancellation.on_cancel(stop)
    try:
        context.cancellation.check()
        yield
    except TaskFailed:
        # A statement that was cancelled fails; that it was told to stop is what counts.
        context.cancellation.check()
        raise
    finally:
        forget()
        over.set()
        for thread in threads:
            thread.join()
