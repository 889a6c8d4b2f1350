"""ExcelToIon: turns the sheets of an Excel file into files of Ion rows."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from enum import StrEnum
from itertools import zip_longest
from typing import Any, ClassVar

import openpyxl
from openpyxl.utils.datetime import to_excel
from openpyxl.utils.exceptions import InvalidFileException
from pydantic import Field

from apps.workflows.builtin_plugins.serdes.conversion import write_ion
from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class ValueRender(StrEnum):
    """What is read of a cell."""

    FORMATTED_VALUE = "FORMATTED_VALUE"
    UNFORMATTED_VALUE = "UNFORMATTED_VALUE"
    FORMULA = "FORMULA"


class DateTimeRender(StrEnum):
    """How a date is read."""

    SERIAL_NUMBER = "SERIAL_NUMBER"
    FORMATTED_STRING = "FORMATTED_STRING"
    UNFORMATTED_VALUE = "UNFORMATTED_VALUE"


class ExcelToIonOutput(Output):
    """What ExcelToIon gives."""

    uris: dict[str, str] = Field(title="The addresses of the files, by sheet.")
    size: int = Field(title="The number of rows.")


class ExcelToIon(RunnableTask, Documented):
    """Turn the sheets of an Excel file (`.xlsx`) into files of Ion rows, one for each sheet.

    The first row has the names of the fields, unless `header: false`: then each row is a list.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read one sheet.",
            """
id: read_excel
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: rows
    type: io.kestra.plugin.serdes.excel.ExcelToIon
    from: "{{ inputs.orders }}"
    sheetsTitle: [Orders]
  - id: csv
    type: io.kestra.plugin.serdes.csv.IonToCsv
    from: "{{ outputs.rows.uris.Orders }}"
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")
    sheets_title: list[str] = Field(default_factory=list, title="The sheets to read; all unless given.")
    charset: str = Field(default="UTF-8", title="Accepted for old flows; the file says itself what it is.")
    value_render: ValueRender = Field(default=ValueRender.UNFORMATTED_VALUE, title="What is read of a cell.")
    date_time_render: DateTimeRender = Field(default=DateTimeRender.UNFORMATTED_VALUE, title="How a date is read.")
    header: bool = Field(default=True, title="Whether the first row has the names of the fields.")
    skip_empty_rows: bool = Field(default=False, title="Whether rows without any value are left out.")
    skip_rows: int = Field(default=0, ge=0, title="Rows to leave out at the beginning, after the names.")

    def run(self, context: RunContext) -> ExcelToIonOutput:
        uris: dict[str, str] = {}
        size = 0
        with open_stored(context, context.render(self.from_).strip()) as source, new_part() as local:
            local.write(source.read())
            local.seek(0)
            try:
                book = openpyxl.load_workbook(
                    local, read_only=True, data_only=self.value_render is not ValueRender.FORMULA
                )
            except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
                raise TaskFailed(f"The file is no Excel file (.xlsx): {error}") from error
            titles = [context.render(title) for title in self.sheets_title] or book.sheetnames
            if missing := [title for title in titles if title not in book.sheetnames]:
                raise TaskFailed(f"There is no sheet `{missing[0]}`; there are {', '.join(book.sheetnames)}")
            for number, title in enumerate(titles, start=1):
                with new_part() as made:
                    size += write_ion(context, self._rows(book[title].iter_rows(values_only=True)), made)
                    made.seek(0)
                    uris[title] = context.storage.put(made, f"sheet-{number}.ion")
            book.close()
        context.metric("counter", "records", size)
        return ExcelToIonOutput(uris=uris, size=size)

    def _rows(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[Any]:
        names = [str(name) for name in next(rows, ()) if name is not None] if self.header else None
        skipped = 0
        for row in rows:
            if self.skip_empty_rows and all(value in (None, "") for value in row):
                continue
            if skipped < self.skip_rows:
                skipped += 1
                continue
            values = [self._value(value) for value in row]
            if names is None:
                yield values
            else:
                # A row ends with its last value, not with the last column.
                yield dict(zip_longest(names, values[: len(names)]))

    def _value(self, value: Any) -> Any:
        if isinstance(value, datetime | date | time):
            if self.date_time_render is DateTimeRender.SERIAL_NUMBER:
                return to_excel(value)
            return value.isoformat() if self.date_time_render is DateTimeRender.FORMATTED_STRING else value
        if self.value_render is ValueRender.FORMATTED_VALUE and value is not None:
            return str(value)
        return value
