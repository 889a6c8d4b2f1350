"""Query: runs SQL in PostgreSQL."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.postgresql.properties import PostgresProperties
from apps.workflows.builtin_plugins.jdbc.query_task import QueryTask
from apps.workflows.plugin_api.documented import Example


class Query(PostgresProperties, QueryTask):
    """Run SQL in PostgreSQL and fetch the rows it gives.

    One statement takes effect by itself; several are one transaction, and their rows come together.
    Dates with a zone are given in `timeZoneId`. JSON and arrays keep their structure, an interval is a text as in
    `P0Y0M1DT2H0M0S`, bytes are base64 in outputs, types without an equal in JSON are texts.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Store the rows as a file.",
            """
id: query_postgresql
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.postgresql.Query
    url: jdbc:postgresql://localhost:5432/shop
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
