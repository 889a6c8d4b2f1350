"""Batch: writes the rows of a file to a table of PostgreSQL."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.batch_task import BatchTask
from apps.workflows.builtin_plugins.jdbc.postgresql.properties import PostgresProperties
from apps.workflows.plugin_api.documented import Example


class Batch(PostgresProperties, BatchTask):
    """Write the rows of a stored file to PostgreSQL.

    Each chunk is a transaction: what was committed before a failure stays.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Load a CSV file into a table.",
            """
id: load_postgresql
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.csv.CsvToIon
    from: "{{ inputs.orders }}"
  - id: load
    type: io.kestra.plugin.jdbc.postgresql.Batch
    url: jdbc:postgresql://localhost:5432/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    from: "{{ outputs.rows.uri }}"
    table: orders
    columns: [id, total]
""",
        ),
    )
