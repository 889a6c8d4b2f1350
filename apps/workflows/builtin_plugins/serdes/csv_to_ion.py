"""CsvToIon: turns a CSV file into a file of Ion rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.ion_writer import IonWriter
from apps.workflows.builtin_plugins.serdes.conversion import Conversion, reader, write_ion
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

BATCH = 2000
csv.field_size_limit(64 * 1024 * 1024)


class CsvToIon(Conversion):
    """Turn a CSV file into a file of Ion rows, which other tasks read.

    All values are texts. The first line has the names of the fields, unless `header: false`: then each row is a list.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read a CSV file with semicolons.",
            """
id: read_csv
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.csv.CsvToIon
    from: "{{ inputs.orders }}"
    fieldSeparator: ";"
""",
        ),
    )

    header: bool = Field(default=True, title="Whether the first line has the names of the fields.")
    field_separator: str = Field(default=",", min_length=1, max_length=1, title="What stands between values.")
    text_delimiter: str = Field(default='"', min_length=1, max_length=1, title="The quotation mark.")
    skip_empty_rows: bool = Field(default=False, title="Whether lines without any value are left out.")
    error_on_different_field_count: bool = Field(
        default=False, title="Whether a row with more or fewer values than the first one fails the task."
    )
    skip_rows: int = Field(default=0, ge=0, title="Rows to leave out at the beginning, after the names.")
    charset: str = Field(default="UTF-8", title="The charset of the file; rendered.")

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        text = reader(context, source, self.charset)
        lines = csv.reader(text, delimiter=self.field_separator, quotechar=self.text_delimiter, strict=False)
        try:
            names = next(lines, []) if self.header else []
            if names:
                names[0] = names[0].removeprefix("\ufeff")
            rows = self._rows(context, lines, len(names) if self.header else None)
            return self._write(context, rows, names, target) if self.header else write_ion(context, rows, target)
        except csv.Error as error:
            raise TaskFailed(f"Line {lines.line_num} is no CSV: {error}") from error
        except UnicodeDecodeError as error:
            raise TaskFailed(f"The file is not written in {self.charset}: {error}") from error

    def _rows(self, context: RunContext, lines: Iterable[list[str]], width: int | None) -> Iterator[list[str]]:
        skipped = 0
        for number, row in enumerate(lines, start=1):
            if number % BATCH == 0:
                context.cancellation.check()
            if self.skip_empty_rows and not any(row):
                continue
            if skipped < self.skip_rows:
                skipped += 1
                continue
            width = len(row) if width is None else width
            if self.error_on_different_field_count and len(row) != width:
                raise TaskFailed(f"Row {number} has {len(row)} values, but {width} are expected")
            yield row

    def _write(self, context: RunContext, rows: Iterator[list[str]], names: list[str], target: BinaryIO) -> int:
        written = IonWriter(target, names)
        count, width = 0, len(names)
        while batch := list(islice(rows, BATCH)):
            if any(len(row) != width for row in batch):
                padded = [[*row[:width], *[None] * (width - len(row))] for row in batch]
                written.write(list(zip(*padded, strict=True)))
            elif width:
                written.write(list(zip(*batch, strict=True)))
            count += len(batch)
        return count
