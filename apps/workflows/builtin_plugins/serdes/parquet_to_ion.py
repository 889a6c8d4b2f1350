"""ParquetToIon: turns a Parquet file into a file of Ion rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from apps.workflows.builtin_plugins.serdes.conversion import Conversion, write_ion
from apps.workflows.builtin_plugins.storage.splitting import new_part
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

BATCH = 5000
"""Rows that are in memory at once."""
PART = 256 * 1024


class ParquetToIon(Conversion):
    """Turn a Parquet file into a file of Ion rows, which other tasks read."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read a Parquet file.",
            """
id: read_parquet
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.parquet.ParquetToIon
    from: "{{ inputs.orders }}"
""",
        ),
    )

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        # Parquet is read from its end: what comes from a storage is kept as a file first.
        with new_part() as local:
            while part := source.read(PART):
                context.cancellation.check()
                local.write(part)
            local.seek(0)
            try:
                return write_ion(context, _rows(pq.ParquetFile(local)), target)
            except pa.ArrowException as error:
                raise TaskFailed(f"The file is no Parquet: {error}") from error


def _rows(file: pq.ParquetFile) -> Iterator[Any]:
    for batch in file.iter_batches(BATCH):
        for row in batch.to_pylist():
            yield {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    """A map of Arrow is a list of pairs."""
    if isinstance(value, list) and value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
        return {str(key): _value(item) for key, item in value}
    return value
