"""IonToExcel: turns files of Ion rows into an Excel file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils.exceptions import IllegalCharacterError
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from pydantic import Field

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.serdes.conversion import TemporalFormats
from apps.workflows.builtin_plugins.serdes.json_values import json_of
from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask

MOST_ROWS = 1_048_576
"""Rows of a sheet."""


class IonToExcelOutput(Output):
    """What IonToExcel gives."""

    uri: str = Field(title="The address of the file.")
    size: int = Field(title="The number of rows.")


class IonToExcel(TemporalFormats, RunnableTask, Documented):
    """Turn files of Ion rows into an Excel file (`.xlsx`), each file a sheet."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two files become two sheets.",
            """
id: write_excel
namespace: company.team
inputs:
  - id: orders
    type: FILE
  - id: customers
    type: FILE
tasks:
  - id: excel
    type: io.kestra.plugin.serdes.excel.IonToExcel
    from:
      Orders: "{{ inputs.orders }}"
      Customers: "{{ inputs.customers }}"
""",
        ),
    )

    from_: str | dict[str, str] = Field(alias="from", title="The address of the file, or addresses by sheet; rendered.")
    sheets_title: str = Field(default="Sheet", title="The name of the sheet, where there is one file; rendered.")
    header: bool = Field(default=True, title="Whether the first row has the names of the fields.")
    styles: bool = Field(default=True, title="Whether that row is bold and dates are shown as dates.")
    charset: str = Field(default="UTF-8", title="Accepted for old flows; Excel has one of its own.")

    def run(self, context: RunContext) -> IonToExcelOutput:
        sources = self.from_ if isinstance(self.from_, Mapping) else {self.sheets_title: self.from_}
        book = openpyxl.Workbook(write_only=True)
        size = 0
        for title, address in sources.items():
            try:
                sheet = book.create_sheet(context.render(title))
            except ValueError as error:
                raise TaskFailed(f"`{title}` is no name of a sheet: {error}") from error
            size += self._fill(context, sheet, context.render(address).strip())
        with new_part() as made:
            book.save(made)
            made.seek(0)
            uri = context.storage.put(made, "converted.xlsx")
        context.metric("counter", "records", size)
        return IonToExcelOutput(uri=uri, size=size)

    def _fill(self, context: RunContext, sheet: WriteOnlyWorksheet, address: str) -> int:
        names: list[str] | None = None
        count = 0
        with open_stored(context, address) as source:
            for count, row in enumerate(read_rows(context, source), start=1):
                if count >= MOST_ROWS:
                    raise TaskFailed(f"A sheet has {MOST_ROWS} rows at most; split the file")
                if isinstance(row, Mapping):
                    if names is None:
                        names = list(row)
                        if self.header:
                            sheet.append([self._name(sheet, name) for name in names])
                    values = [row.get(name) for name in names]
                elif isinstance(row, list) and not self.header:
                    values = row
                else:
                    raise TaskFailed("Invalid data of type List with header")
                try:
                    sheet.append([_cell(sheet, value) for value in values])
                except IllegalCharacterError as error:
                    raise TaskFailed(f"Row {count} has a character that Excel does not take") from error
        return count

    def _name(self, sheet: WriteOnlyWorksheet, name: str) -> Any:
        if not self.styles:
            return name
        cell = WriteOnlyCell(sheet, name)
        cell.font = Font(bold=True)
        return cell


def _cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)  # Excel has no zones
    if value is None or isinstance(value, bool | int | float | Decimal | date | time):
        return value
    cell = WriteOnlyCell(sheet, value if isinstance(value, str) else json_of(value).strip('"'))
    cell.data_type = "s"  # a text is no formula, also when it begins with an equals sign
    return cell
