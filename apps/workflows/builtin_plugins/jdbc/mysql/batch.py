"""Batch: writes the rows of a file to a table of MySQL."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.batch_task import BatchTask
from apps.workflows.builtin_plugins.jdbc.mysql.properties import MySqlProperties
from apps.workflows.plugin_api.documented import Example


class Batch(MySqlProperties, BatchTask):
    """Write the rows of a stored file to MySQL.

    Each chunk is a transaction: what was committed before a failure stays.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Load a CSV file into a table.",
            """
id: load_mysql
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.csv.CsvToIon
    from: "{{ inputs.orders }}"
  - id: load
    type: io.kestra.plugin.jdbc.mysql.Batch
    url: jdbc:mysql://localhost:3306/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    from: "{{ outputs.rows.uri }}"
    table: orders
    columns: [id, total]
""",
        ),
    )
