"""CopyTask: what COPY takes, in both directions."""

from __future__ import annotations

from enum import StrEnum

from psycopg import sql
from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.postgresql.properties import PostgresProperties
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.task import RunnableTask


class CopyFormat(StrEnum):
    """How rows are written."""

    TEXT = "TEXT"
    CSV = "CSV"
    BINARY = "BINARY"


class CopyTask(PostgresProperties, RunnableTask, Documented):
    """Base of CopyIn and CopyOut."""

    table: str | None = Field(default=None, title="The table; rendered.")
    columns: list[str] | None = Field(default=None, title="Its columns; all unless given.")
    format: CopyFormat = Field(default=CopyFormat.TEXT, title="How rows are written.")
    delimiter: str | None = Field(default=None, title="What stands between values: a tab in `TEXT`, a comma in `CSV`.")
    null_string: str | None = Field(default=None, title="What stands for null.")
    header: bool | None = Field(default=None, title="Whether the first line has the names of the columns.")
    quote: str | None = Field(default=None, title="The quotation mark of `CSV`.")
    escape: str | None = Field(default=None, title="What stands before a quotation mark in a value; `CSV`.")
    force_quote: list[str] | None = Field(default=None, title="Columns whose values are always quoted; `CSV`.")
    force_not_null: list[str] | None = Field(default=None, title="Columns that are never null; `CSV`.")
    force_null: list[str] | None = Field(default=None, title="Columns that are null also when quoted; `CSV`.")
    encoding: str | None = Field(default=None, title="The encoding of the file, as in `LATIN1`; UTF-8 unless given.")
    oids: bool | None = Field(default=None, title="Accepted for old flows; PostgreSQL has none any more.")
    freeze: bool | None = Field(default=None, title="Whether rows are frozen as VACUUM would; for a new table.")

    def options(self) -> sql.Composable:
        """The options in parentheses."""
        found: list[sql.Composable] = [sql.SQL("FORMAT ") + sql.Identifier(self.format.value.lower())]
        texts = {
            "DELIMITER": self.delimiter,
            "NULL": self.null_string,
            "QUOTE": self.quote,
            "ESCAPE": self.escape,
            "ENCODING": self.encoding,
        }
        found += [sql.SQL(f"{name} ") + sql.Literal(text) for name, text in texts.items() if text is not None]
        switches = {"HEADER": self.header, "FREEZE": self.freeze}
        found += [sql.SQL(f"{name} {str(on).lower()}") for name, on in switches.items() if on is not None]
        columns = {
            "FORCE_QUOTE": self.force_quote,
            "FORCE_NOT_NULL": self.force_not_null,
            "FORCE_NULL": self.force_null,
        }
        found += [sql.SQL(f"{name} ") + _listed(names) for name, names in columns.items() if names]
        return sql.SQL(" WITH (") + sql.SQL(", ").join(found) + sql.SQL(")")

    def target(self, table: str) -> sql.Composable:
        """The table, as the flow writes it, and its columns."""
        named = sql.SQL(table)  # the flow's own text: `schema.table` or a quoted name
        return named + _listed(self.columns) if self.columns else named


def _listed(names: list[str]) -> sql.Composable:
    return sql.SQL("(") + sql.SQL(", ").join(sql.Identifier(name) for name in names) + sql.SQL(")")
