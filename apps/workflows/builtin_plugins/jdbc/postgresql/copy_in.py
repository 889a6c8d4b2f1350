"""CopyIn: loads a stored file into a table of PostgreSQL."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.postgresql.copy_options import CopyTask
from apps.workflows.builtin_plugins.jdbc.query_task import opened
from apps.workflows.builtin_plugins.storage.splitting import open_stored
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class CopyInOutput(Output):
    """What CopyIn gives."""

    row_count: int = Field(title="The number of rows loaded.")


class CopyIn(CopyTask):
    """Load a stored file into a table of PostgreSQL, all of it or nothing.

    The fastest way in; the file is as `COPY … FROM` wants it.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Load a CSV file.",
            """
id: copy_in
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: load
    type: io.kestra.plugin.jdbc.postgresql.CopyIn
    url: jdbc:postgresql://localhost:5432/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    from: "{{ inputs.orders }}"
    table: orders
    format: CSV
    header: true
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")

    def check(self) -> list[str]:
        return [] if self.table else ["CopyIn needs `table`"]

    def run(self, context: RunContext) -> CopyInOutput:
        if self.table is None:
            raise TaskFailed("CopyIn needs `table`")
        with (
            open_stored(context, context.render(self.from_).strip()) as content,
            opened(self.connect, context) as connection,
        ):
            target = self.target(context.render(self.table))
            count = connection.copy_in(target, self.options(), content, context.cancellation.check)
        context.metric("counter", "rows", count)
        return CopyInOutput(row_count=count)
