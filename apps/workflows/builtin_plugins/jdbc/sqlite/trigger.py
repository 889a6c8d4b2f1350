"""Trigger: looks into a SQLite database again and again, and starts the flow when there are rows."""

from __future__ import annotations

from typing import ClassVar

from apps.workflows.builtin_plugins.jdbc.query_task import TriggerBase
from apps.workflows.builtin_plugins.jdbc.sqlite.properties import SqliteProperties
from apps.workflows.plugin_api.documented import Example


class Trigger(SqliteProperties, TriggerBase):
    """Run a query in SQLite again and again; start the flow when it gives rows.

    The rows are in `trigger`, as the outputs of a Query. Rows that were seen start the flow again, unless the SQL or
    the flow marks them.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Handle the orders that are new.",
            """
id: new_orders_sqlite
namespace: company.team
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ trigger.rows }}"
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "{{ taskrun.value }}"
triggers:
  - id: watch
    type: io.kestra.plugin.jdbc.sqlite.Trigger
    url: jdbc:sqlite:/data/shop.db
    sql: SELECT * FROM orders WHERE state = 'new'
    fetchType: FETCH
    interval: PT30S
""",
        ),
    )
