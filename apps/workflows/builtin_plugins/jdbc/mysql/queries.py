"""Queries: runs several statements in MySQL as one transaction."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.mysql.properties import LoadingProperties
from apps.workflows.builtin_plugins.jdbc.query_task import QueriesTask
from apps.workflows.plugin_api.documented import Example


class Queries(LoadingProperties, QueriesTask):
    """Run several statements in MySQL: all of them take effect, or none.

    The statements are parted by semicolons. With `transaction: false` each is committed by itself.
    `outputs.<id>.outputs` has an entry for each statement that gives rows. A kill before the end leaves nothing behind.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Move an amount from one account to another.",
            """
id: transfer_mysql
namespace: company.team
inputs:
  - id: amount
    type: INT
    defaults: 10
tasks:
  - id: transfer
    type: io.kestra.plugin.jdbc.mysql.Queries
    url: jdbc:mysql://localhost:3306/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    parameters:
      amount: "{{ inputs.amount }}"
    sql: |
      UPDATE account SET balance = balance - CAST(:amount AS SIGNED) WHERE owner = 'alice';
      UPDATE account SET balance = balance + CAST(:amount AS SIGNED) WHERE owner = 'bob';
      SELECT owner, balance FROM account;
    fetchType: FETCH
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.transfer.outputs[0].rows }}"
""",
        ),
    )
