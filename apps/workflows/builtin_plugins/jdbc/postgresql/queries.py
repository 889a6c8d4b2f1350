"""Queries: runs several statements in PostgreSQL as one transaction."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.postgresql.properties import PostgresProperties
from apps.workflows.builtin_plugins.jdbc.query_task import QueriesTask
from apps.workflows.plugin_api.documented import Example


class Queries(PostgresProperties, QueriesTask):
    """Run several statements in PostgreSQL: all of them take effect, or none.

    The statements are parted by semicolons. With `transaction: false` each is committed by itself.
    `outputs.<id>.outputs` has an entry for each statement that gives rows. A kill before the end leaves nothing behind.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Move an amount from one account to another.",
            """
id: transfer_postgresql
namespace: company.team
inputs:
  - id: amount
    type: INT
    defaults: 10
tasks:
  - id: transfer
    type: io.kestra.plugin.jdbc.postgresql.Queries
    url: jdbc:postgresql://localhost:5432/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
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
