"""Query: runs SQL in SQLite."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.query_task import QueryTask
from apps.workflows.builtin_plugins.jdbc.sqlite.properties import SqliteProperties
from apps.workflows.plugin_api.documented import Example


class Query(SqliteProperties, QueryTask):
    """Run SQL in SQLite and fetch the rows it gives.

    One statement takes effect by itself; several are one transaction, and their rows come together.
    The database is a file of the working directory, or in memory (`jdbc:sqlite::memory:`). With `sqliteFile` it is a
    copy of a stored file; what changes in it is not stored.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Store the rows as a file.",
            """
id: query_sqlite
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.sqlite.Query
    url: jdbc:sqlite:shop.db
    sqliteFile: "{{ inputs.file }}"
    sql: SELECT id, total FROM orders
    fetchType: STORE
  - id: as_csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{ outputs.orders.uri }}"
""",
        ),
    )
