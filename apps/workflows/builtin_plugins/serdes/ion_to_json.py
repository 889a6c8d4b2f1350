"""IonToJson: turns a file of Ion rows into a file of JSON."""

from __future__ import annotations

from typing import BinaryIO, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.builtin_plugins.serdes.conversion import Conversion, writer
from apps.workflows.builtin_plugins.serdes.json_values import json_of
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class IonToJson(Conversion):
    """Turn a file of Ion rows into a file of JSON, a value a line or, with `newLine: false`, one list.

    Numbers keep all their digits, dates are ISO 8601, bytes base64.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write rows as JSON lines.",
            """
id: write_json
namespace: company.team
inputs:
  - id: rows
    type: FILE
tasks:
  - id: json
    type: io.kestra.plugin.serdes.json.IonToJson
    from: "{{ inputs.rows }}"
""",
        ),
    )

    charset: str = Field(default="UTF-8", title="The charset of the file; rendered.")
    new_line: bool = Field(default=True, title="Whether each row is a line; else the file is one list.")
    time_zone_id: str | None = Field(
        default=None, title="The zone, as in `Europe/Paris`, in which dates are written; UTC unless given; rendered."
    )

    def extension(self) -> str:
        return ".jsonl" if self.new_line else ".json"

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        text = writer(context, target, self.charset)
        zone = zone_of(context, self.time_zone_id)
        count = 0
        try:
            for count, row in enumerate(read_rows(context, source), start=1):
                if self.new_line:
                    text.write(json_of(row, zone) + "\n")
                else:
                    text.write(("[" if count == 1 else ",") + json_of(row, zone))
            if not self.new_line:
                text.write("]" if count else "[]")
            text.flush()
        except UnicodeEncodeError as error:
            raise TaskFailed(f"Row {count} has a character that {self.charset} does not have: {error}") from error
        return count
