"""DeduplicateItems: keeps one row for each key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.item_rows import fields, rows
from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class DeduplicateItemsOutput(Output):
    """What DeduplicateItems gives."""

    uri: str = Field(title="The address of the new file.")
    num_keys: int = Field(title="The number of keys.")
    processed_items_total: int = Field(title="The number of rows read.")
    dropped_items_total: int = Field(title="The number of rows left out.")


class DeduplicateItems(RunnableTask, Documented):
    """Keep the last row of each key, in the order of the file.

    The key is an expression of the row's fields. The file holds Ion or JSON, a row a line.
    """

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The last state of each order.",
            """
id: last_states
namespace: company.team
inputs:
  - id: states
    type: FILE
tasks:
  - id: last
    type: io.kestra.plugin.core.storage.DeduplicateItems
    from: "{{ inputs.states }}"
    expr: "{{ order_id }}"
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")
    expr: str = Field(title="The key of a row: an expression of its fields.")

    def run(self, context: RunContext) -> DeduplicateItemsOutput:
        source = context.render(self.from_).strip()
        last: dict[str, int] = {}
        total = 0
        with open_stored(context, source) as content:
            for total, (_, value) in enumerate(rows(context, content), start=1):
                last[self._key(context, fields(value))] = total
        kept = set(last.values())
        with open_stored(context, source) as content, new_part() as made:
            for number, (line, _) in enumerate(rows(context, content), start=1):
                if number in kept:
                    made.write(line + b"\n")
            made.seek(0)
            return DeduplicateItemsOutput(
                uri=context.storage.put(made, "deduplicated.ion"),
                num_keys=len(last),
                processed_items_total=total,
                dropped_items_total=total - len(last),
            )

    def _key(self, context: RunContext, row: Mapping[str, Any]) -> str:
        return context.with_variables(row).render(self.expr)
