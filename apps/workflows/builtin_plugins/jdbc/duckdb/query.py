"""Query: runs SQL in DuckDB."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.duckdb.properties import DuckDbFiles
from apps.workflows.builtin_plugins.jdbc.fetching import QueryOutput
from apps.workflows.builtin_plugins.jdbc.query_task import QueryTask
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class QueryResult(QueryOutput):
    """What Query gives."""

    output_files: dict[str, str] = Field(default_factory=dict, title="The stored files: name and address.")


class Query(DuckDbFiles, QueryTask):
    """Run SQL in DuckDB and fetch the rows it gives.

    One statement takes effect by itself; several are one transaction, and their rows come together.
    Without a path in the url the database is a new one, in the working directory. `inputFiles` are written there first,
    and the SQL reads them by name: `read_csv('{{ workingDir }}/orders.csv')`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Store the rows as a file.",
            """
id: query_duckdb
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.duckdb.Query
    url: "jdbc:duckdb:"
    sql: SELECT id, total FROM orders
    fetchType: STORE
  - id: as_csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{ outputs.orders.uri }}"
""",
        ),
    )

    def run(self, context: RunContext) -> QueryResult:
        with self.files(context) as stored:
            output = super().run(context)
        return QueryResult(**dict(output), output_files=stored)
