"""BatchTask: writes the rows of a stored file to a table, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.jdbc.connection import SqlConnection
from apps.workflows.builtin_plugins.jdbc.query_task import ConnectionProperties, opened, transaction
from apps.workflows.builtin_plugins.storage.splitting import open_stored
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class BatchOutput(Output):
    """What Batch gives."""

    row_count: int = Field(title="The number of rows read.")
    updated_count: int = Field(title="The number of rows of the database that were changed.")


class BatchTask(ConnectionProperties, RunnableTask, Documented):
    """Base of the Batch tasks."""

    from_: str = Field(alias="from", title="The address of the file, a row of Ion or JSON a line; rendered.")
    sql: str | None = Field(
        default=None, title="The statement for each row, a `?` for each of its values; rendered. Or give `table`."
    )
    chunk: Annotated[int, Field(gt=0, title="Rows that are written and committed together.")] = 1000
    columns: list[str] | None = Field(
        default=None, title="The fields of a row that are written, in this order; all in their own order unless given."
    )
    table: str | None = Field(default=None, title="The table rows are inserted into when there is no `sql`; rendered.")

    def check(self) -> list[str]:
        if self.sql is None and self.table is None:
            return ["Batch needs `sql`, or a `table` that rows are inserted into"]
        return []

    def run(self, context: RunContext) -> BatchOutput:
        count = updated = 0
        with (
            opened(self.connect, context) as connection,
            open_stored(context, context.render(self.from_).strip()) as content,
        ):
            sql, columns = self._statement(context, connection)
            rows = (_values(row, columns, number) for number, row in enumerate(read_rows(context, content), start=1))
            for chunk in _chunks(rows, self.chunk):
                context.cancellation.check()
                with transaction(context, connection):
                    updated += connection.run_many(sql, chunk)
                count += len(chunk)
        context.metric("counter", "records", count)
        context.metric("counter", "updated", updated)
        return BatchOutput(row_count=count, updated_count=updated)

    def _statement(self, context: RunContext, connection: SqlConnection) -> tuple[str, Sequence[str] | None]:
        if self.sql is not None:
            return context.render(self.sql), self.columns
        if self.table is None:
            raise TaskFailed("Batch needs `sql`, or a `table` that rows are inserted into")
        table = context.render(self.table)
        columns = self.columns or connection.columns_of(table)
        shown = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        return f"INSERT INTO {table} ({shown}) VALUES ({marks})", columns  # noqa: S608 — the names are the flow's own


def _values(row: Any, columns: Sequence[str] | None, number: int) -> list[Any]:
    if isinstance(row, dict):
        try:
            return list(row.values()) if columns is None else [row[name] for name in columns]
        except KeyError as error:
            raise TaskFailed(f"Row {number} has no field {error}; it has {', '.join(row)}") from error
    if isinstance(row, list):
        return row
    raise TaskFailed(f"Row {number} is neither a map nor a list")


def _chunks(rows: Iterator[list[Any]], size: int) -> Iterator[list[list[Any]]]:
    while chunk := list(islice(rows, size)):
        yield chunk
