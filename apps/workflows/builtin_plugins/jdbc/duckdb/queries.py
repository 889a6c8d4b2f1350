"""Queries: runs several statements in DuckDB as one transaction."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.duckdb.properties import DuckDbFiles
from apps.workflows.builtin_plugins.jdbc.query_task import QueriesOutput, QueriesTask
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.run_context import RunContext


class QueriesResult(QueriesOutput):
    """What Queries gives."""

    output_files: dict[str, str] = Field(default_factory=dict, title="The stored files: name and address.")


class Queries(DuckDbFiles, QueriesTask):
    """Run several statements in DuckDB: all of them take effect, or none.

    The statements are parted by semicolons. With `transaction: false` each is committed by itself.
    `outputs.<id>.outputs` has an entry for each statement that gives rows. A kill before the end leaves nothing behind.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Move an amount from one account to another.",
            """
id: transfer_duckdb
namespace: company.team
inputs:
  - id: amount
    type: INT
    defaults: 10
tasks:
  - id: transfer
    type: io.kestra.plugin.jdbc.duckdb.Queries
    url: "jdbc:duckdb:"
    parameters:
      amount: "{{ inputs.amount }}"
    sql: |
      UPDATE account SET balance = balance - CAST(:amount AS INTEGER) WHERE owner = 'alice';
      UPDATE account SET balance = balance + CAST(:amount AS INTEGER) WHERE owner = 'bob';
      SELECT owner, balance FROM account;
    fetchType: FETCH
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.transfer.outputs[0].rows }}"
""",
        ),
    )

    def run(self, context: RunContext) -> QueriesResult:
        with self.files(context) as stored:
            output = super().run(context)
        return QueriesResult(**dict(output), output_files=stored)
