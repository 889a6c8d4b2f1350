"""FilterItems: keeps the rows for which a condition holds."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.item_rows import fields, rows
from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.expressions.environment import ExpressionError, is_truthy
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class FilterType(StrEnum):
    """What happens to the rows for which the condition holds."""

    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class ErrorOrNullBehavior(StrEnum):
    """What happens to a row for which the condition cannot be told."""

    FAIL = "FAIL"
    INCLUDE = "INCLUDE"
    EXCLUDE = "EXCLUDE"


class FilterItemsOutput(Output):
    """What FilterItems gives."""

    uri: str = Field(title="The address of the new file.")
    processed_items_total: int = Field(title="The number of rows read.")
    dropped_items_total: int = Field(title="The number of rows left out.")


class FilterItems(RunnableTask, Documented):
    """Keep the rows of a stored file for which a condition holds, or leave those out.

    The condition is an expression of the row's fields. The file holds Ion or JSON, a row a line.
    """

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Keep the large orders.",
            """
id: large_orders
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: large
    type: io.kestra.plugin.core.storage.FilterItems
    from: "{{ inputs.orders }}"
    filterCondition: "{{ amount > 1000 }}"
    errorOrNullBehavior: EXCLUDE
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")
    filter_condition: str = Field(title="The condition: an expression of a row's fields.")
    filter_type: FilterType = Field(
        default=FilterType.INCLUDE, title="Whether rows are kept or left out when it is true."
    )
    error_or_null_behavior: ErrorOrNullBehavior = Field(
        default=ErrorOrNullBehavior.FAIL, title="What happens to a row for which it gives an error or nothing."
    )

    def run(self, context: RunContext) -> FilterItemsOutput:
        kept = total = 0
        with open_stored(context, context.render(self.from_).strip()) as content, new_part() as made:
            for total, (line, value) in enumerate(rows(context, content), start=1):
                if self._keeps(context, value, total):
                    made.write(line + b"\n")
                    kept += 1
            made.seek(0)
            return FilterItemsOutput(
                uri=context.storage.put(made, "filtered.ion"),
                processed_items_total=total,
                dropped_items_total=total - kept,
            )

    def _keeps(self, context: RunContext, value: Any, number: int) -> bool:
        try:
            text = context.with_variables(fields(value)).render(self.filter_condition).strip()
        except ExpressionError as error:
            if self.error_or_null_behavior is ErrorOrNullBehavior.FAIL:
                raise TaskFailed(f"`filterCondition` cannot be told for row {number}: {error}") from error
            return self.error_or_null_behavior is ErrorOrNullBehavior.INCLUDE
        if not text:
            if self.error_or_null_behavior is ErrorOrNullBehavior.FAIL:
                raise TaskFailed(f"`filterCondition` gives nothing for row {number}")
            return self.error_or_null_behavior is ErrorOrNullBehavior.INCLUDE
        return is_truthy(text) is (self.filter_type is FilterType.INCLUDE)
