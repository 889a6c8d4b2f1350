"""Fetching: what becomes of the rows a statement gives."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from apps.workflows.builtin_plugins.ion_writer import IonWriter
from apps.workflows.builtin_plugins.jdbc.connection import Columns, Rows
from apps.workflows.builtin_plugins.storage.splitting import new_part
from apps.workflows.expressions.temporal import json_text
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output

MOST_FETCHED = 32 * 1024 * 1024
"""Bytes, as JSON, of rows that FETCH gives as outputs; more than that belongs into a file."""
BATCH = 2000
"""Rows that are turned to text at once."""


class FetchType(StrEnum):
    """Where the rows go: to a file, to the outputs, the first one alone, or nowhere."""

    STORE = "STORE"
    FETCH = "FETCH"
    FETCH_ONE = "FETCH_ONE"
    NONE = "NONE"


class QueryOutput(Output):
    """What a query gives."""

    row: dict[str, Any] | None = Field(default=None, title="The first row, with `FETCH_ONE`; null when there is none.")
    rows: list[dict[str, Any]] | None = Field(default=None, title="The rows, with `FETCH`.")
    uri: str | None = Field(
        default=None, title="The address of the file, with `STORE`: a row of Ion a line; read it with serdes tasks."
    )
    size: int | None = Field(default=None, title="The number of rows.")


class Fetcher:
    """Takes the rows of one statement after another; ``output`` has them all, in the way the fetch type says."""

    def __init__(self, context: RunContext, fetch_type: FetchType, stack: ExitStack, name: str = "rows.ion") -> None:
        self.context = context
        self.fetch_type = fetch_type
        self.stack = stack
        self.name = name
        self.size = 0
        self.rows: list[dict[str, Any]] = []
        self.bytes = 0
        self.file = stack.enter_context(new_part()) if fetch_type is FetchType.STORE else None
        self.fetched = False

    def take(self, rows: Rows) -> None:
        """All rows of a statement; the rest of them is left unread where none or one is wanted."""
        self.fetched = True
        writer = None if self.file is None else IonWriter(self.file, rows.names)
        for columns in rows.batches():
            self.context.cancellation.check()
            if writer is not None:
                writer.write(columns)
                self.size += len(columns[0])
            elif self.fetch_type is FetchType.FETCH:
                self._keep(rows.names, columns)
            elif self.fetch_type is FetchType.FETCH_ONE and not self.rows:
                self.rows = list(as_maps(rows.names, [column[:1] for column in columns]))
                self.size = 1

    def output(self) -> QueryOutput:
        """What was taken; nothing at all when no statement gave rows or none are wanted."""
        if self.fetch_type is FetchType.NONE or not self.fetched:
            return QueryOutput()
        if self.file is not None:
            self.file.seek(0)
            return QueryOutput(uri=self.context.storage.put(self.file, self.name), size=self.size)
        if self.fetch_type is FetchType.FETCH_ONE:
            return QueryOutput(row=self.rows[0] if self.rows else None, size=self.size)
        return QueryOutput(rows=self.rows, size=self.size)

    def _keep(self, names: list[str] | Any, columns: Columns) -> None:
        maps = list(as_maps(names, columns))
        self.bytes += len(json.dumps(maps))
        if self.bytes > MOST_FETCHED:
            raise TaskFailed(
                f"The rows are more than {MOST_FETCHED // 1024**2} MB, too much for outputs: use `fetchType: STORE`,"
                " which writes them to a file of internal storage"
            )
        self.rows += maps
        self.size = len(self.rows)


def as_maps(names: Any, columns: Columns) -> Iterable[dict[str, Any]]:
    """Each row as a map of plain JSON values."""
    for row in zip(*columns, strict=True):
        yield {name: plain(value) for name, value in zip(names, row, strict=True)}


def plain(value: Any) -> Any:
    """The value as JSON has it. Dates are ISO 8601, bytes base64, a number too long for a float is a text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return json_text(value) if isinstance(value, date) else value.isoformat()
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def _number(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return int(value) if value.adjusted() < 18 else format(value, "f")
    found = float(value)
    return found if Decimal(repr(found)) == value else format(value, "f")
