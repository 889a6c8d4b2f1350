"""IonToAvro: turns a file of Ion rows into an Avro file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

import fastavro

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.serdes.avro_values import AvroProperties
from apps.workflows.builtin_plugins.serdes.conversion import Conversion
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class IonToAvro(AvroProperties, Conversion):
    """Turn a file of Ion rows into an Avro file.

    Texts become the numbers, dates and truth values that the schema wants.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write orders as Avro.",
            """
id: write_avro
namespace: company.team
inputs:
  - id: rows
    type: FILE
tasks:
  - id: avro
    type: io.kestra.plugin.serdes.avro.IonToAvro
    from: "{{ inputs.rows }}"
    schema: |
      {"type": "record", "name": "order", "fields": [
        {"name": "id", "type": "long"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "total", "type": ["null", "double"]}]}
""",
        ),
    )

    def extension(self) -> str:
        return ".avro"

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        shape = self.shape(context)
        count = 0

        def rows() -> Iterator[Any]:
            nonlocal count
            for count, row in enumerate(read_rows(context, source), start=1):
                yield shape.row(row, count)

        try:
            fastavro.writer(target, shape.schema, rows(), codec="deflate")
        except (ValueError, TypeError, OverflowError) as error:
            raise TaskFailed(f"Row {count} does not fit the schema: {error}") from error
        return count
