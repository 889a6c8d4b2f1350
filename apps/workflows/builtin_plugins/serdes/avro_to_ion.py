"""AvroToIon: turns an Avro file into a file of Ion rows."""

from __future__ import annotations

from typing import BinaryIO, ClassVar

import fastavro

from apps.workflows.builtin_plugins.serdes.conversion import Conversion, checked, write_ion
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class AvroToIon(Conversion):
    """Turn an Avro file into a file of Ion rows, which other tasks read."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read an Avro file.",
            """
id: read_avro
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.avro.AvroToIon
    from: "{{ inputs.orders }}"
""",
        ),
    )

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        try:
            return write_ion(context, checked(context, fastavro.reader(source)), target)
        except (ValueError, EOFError, KeyError, IndexError) as error:
            raise TaskFailed(f"The file is no Avro: {error}") from error
