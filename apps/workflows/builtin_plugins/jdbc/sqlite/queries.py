"""Queries: runs several statements in SQLite as one transaction."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.query_task import QueriesTask
from apps.workflows.builtin_plugins.jdbc.sqlite.properties import SqliteProperties
from apps.workflows.plugin_api.documented import Example


class Queries(SqliteProperties, QueriesTask):
    """Run several statements in SQLite: all of them take effect, or none.

    The statements are parted by semicolons. With `transaction: false` each is committed by itself.
    `outputs.<id>.outputs` has an entry for each statement that gives rows. A kill before the end leaves nothing behind.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Move an amount from one account to another.",
            """
id: transfer_sqlite
namespace: company.team
inputs:
  - id: amount
    type: INT
    defaults: 10
  - id: file
    type: FILE
tasks:
  - id: transfer
    type: io.kestra.plugin.jdbc.sqlite.Queries
    url: jdbc:sqlite:shop.db
    sqliteFile: "{{ inputs.file }}"
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
