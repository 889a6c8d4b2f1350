"""IonToCsv: turns a file of Ion rows into a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any, BinaryIO, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.serdes.conversion import Conversion, Formats, TemporalFormats, writer
from apps.workflows.builtin_plugins.serdes.json_values import json_of
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class IonToCsv(TemporalFormats, Conversion):
    """Turn a file of Ion rows into a CSV file.

    The fields are those of the first row. Maps and lists are written as JSON.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write the rows of a query as CSV.",
            """
id: write_csv
namespace: company.team
tasks:
  - id: orders
    type: io.kestra.plugin.jdbc.postgresql.Query
    url: jdbc:postgresql://localhost:5432/shop
    username: shop
    password: "{{ secret('DB_PASSWORD') }}"
    sql: SELECT id, total FROM orders
    fetchType: STORE
  - id: csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{ outputs.orders.uri }}"
""",
        ),
    )

    header: bool = Field(default=True, title="Whether the first line has the names of the fields.")
    field_separator: str = Field(default=",", min_length=1, max_length=1, title="What stands between values.")
    text_delimiter: str = Field(default='"', min_length=1, max_length=1, title="The quotation mark.")
    line_delimiter: str = Field(default="\n", title="What ends a line.")
    always_delimit_text: bool = Field(default=False, title="Whether all values are quoted.")
    charset: str = Field(default="UTF-8", title="The charset of the file; rendered.")

    def extension(self) -> str:
        return ".csv"

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        formats = self.formats(context)
        text = writer(context, target, self.charset)
        made = csv.writer(
            text,
            delimiter=self.field_separator,
            quotechar=self.text_delimiter,
            lineterminator=self.line_delimiter,
            quoting=csv.QUOTE_ALL if self.always_delimit_text else csv.QUOTE_MINIMAL,
        )
        names: list[str] | None = None
        count = 0
        try:
            for count, row in enumerate(read_rows(context, source), start=1):
                if isinstance(row, list):
                    if self.header:
                        raise TaskFailed("Invalid data of type List with header")
                    made.writerow([shown(value, formats) for value in row])
                    continue
                if not isinstance(row, Mapping):
                    raise TaskFailed(f"Row {count} is neither a map nor a list")
                if names is None:
                    names = list(row)
                    if self.header:
                        made.writerow(names)
                made.writerow([shown(row.get(name), formats) for name in names])
            text.flush()
        except UnicodeEncodeError as error:
            raise TaskFailed(f"Row {count} has a character that {self.charset} does not have: {error}") from error
        return count


def shown(value: Any, formats: Formats) -> str:
    """A value as text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    found = formats.text(value)
    return json_of(value).strip('"') if found is None else found
