"""CopyOut: stores a table of PostgreSQL, or the rows of a query, as a file."""

from __future__ import annotations

from typing import ClassVar

from psycopg import sql
from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.postgresql.copy_options import CopyFormat, CopyTask
from apps.workflows.builtin_plugins.jdbc.query_task import opened
from apps.workflows.builtin_plugins.storage.splitting import new_part
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class CopyOutOutput(Output):
    """What CopyOut gives."""

    uri: str = Field(title="The address of the file.")
    row_count: int = Field(title="The number of rows.")


class CopyOut(CopyTask):
    """Store a table of PostgreSQL, or the rows of a query, as a file; the fastest way out."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Store the rows of a query as CSV.",
            """
id: copy_out
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.postgresql.CopyOut
    url: jdbc:postgresql://localhost:5432/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    sql: SELECT id, total FROM orders
    format: CSV
    header: true
""",
        ),
    )

    sql: str | None = Field(default=None, title="The query, in place of `table`; rendered.")

    def check(self) -> list[str]:
        return [] if (self.table is None) is not (self.sql is None) else ["CopyOut needs either `table` or `sql`"]

    def run(self, context: RunContext) -> CopyOutOutput:
        if self.sql is not None:
            query = context.render(self.sql).strip().rstrip(";")
            source: sql.Composable = sql.SQL("(") + sql.SQL(query) + sql.SQL(")")
        elif self.table is not None:
            source = self.target(context.render(self.table))
        else:
            raise TaskFailed("CopyOut needs either `table` or `sql`")
        with new_part() as file:
            with opened(self.connect, context) as connection:
                count = connection.copy_out(source, self.options(), file, context.cancellation.check)
            file.seek(0)
            uri = context.storage.put(file, "copy" + (".csv" if self.format is CopyFormat.CSV else ".txt"))
        context.metric("counter", "rows", count)
        return CopyOutOutput(uri=uri, row_count=count)
