"""Query: runs SQL in MySQL."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.mysql.properties import LoadingProperties
from apps.workflows.builtin_plugins.jdbc.query_task import QueryTask
from apps.workflows.plugin_api.documented import Example


class Query(LoadingProperties, QueryTask):
    """Run SQL in MySQL and fetch the rows it gives.

    One statement takes effect by itself; several are one transaction, and their rows come together.
    MariaDB is the same to it. `DATETIME` is a date without zone, `TIMESTAMP` one in UTC, `BIGINT UNSIGNED` a text.
    With `inputFile` the SQL may load it: `LOAD DATA LOCAL INFILE '{{ inputFile }}' …`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Store the rows as a file.",
            """
id: query_mysql
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.mysql.Query
    url: jdbc:mysql://localhost:3306/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    sql: SELECT id, total FROM orders
    fetchType: STORE
  - id: as_csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{ outputs.orders.uri }}"
""",
        ),
    )
