"""How a DuckDB is reached: a file, or a new database of the task's own; the files it reads and writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.duckdb.connection import DuckDbConnection
from apps.workflows.builtin_plugins.jdbc.jdbc_url import after_kind
from apps.workflows.builtin_plugins.jdbc.query_task import ConnectionProperties
from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.builtin_plugins.working_files import inside, write_input_files
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext


class DuckDbProperties(ConnectionProperties):
    """How a DuckDB is reached."""

    url: str = Field(
        default="jdbc:duckdb:",
        title="The JDBC url of the database; a new one unless it names a file by its whole path; rendered.",
    )

    def connect(self, context: RunContext) -> DuckDbConnection:
        """See ConnectionProperties."""
        path, config = database_path(context, self.url)
        return DuckDbConnection(str(path), zone=zone_of(context, self.time_zone_id), config=config)


def database_path(context: RunContext, url: str) -> tuple[Path, dict[str, Any]]:
    """The file of the database, and the settings that follow it after semicolons."""
    _, rest = after_kind(context.render(url), ("duckdb",))
    text, *settings = rest.split(";")
    config = dict(part.split("=", 1) for part in settings if "=" in part)
    if text in ("", ":memory:"):
        return _fresh(context), config
    if not PurePosixPath(text).is_absolute():
        raise TaskFailed("The database file path is not valid (Path to database file must be absolute)")
    return Path(text), config


class DuckDbFiles(DuckDbProperties):
    """The files that the SQL of a DuckDB reads and writes, in the working directory."""

    input_files: dict[str, Any] | str | None = Field(
        default=None, title="Files to write first: path and content or `kestra://` address, or the JSON of such a map."
    )
    output_files: list[str] = Field(
        default_factory=list,
        title="Names of files the SQL writes, as in `{{ outputFiles.result }}`; stored afterwards.",
    )

    def sql_variables(self, context: RunContext) -> Mapping[str, Any]:
        """See QueryProperties."""
        folder = context.working_directory()
        path, _ = database_path(context, self.url)
        paths = {name: str(inside(folder, name)) for name in self.output_files}
        return {"workingDir": str(folder), "dbFilePath": str(path), "outputFiles": paths}

    @contextlib.contextmanager
    def files(self, context: RunContext) -> Iterator[dict[str, str]]:
        """The input files are there inside; afterwards the map has the addresses of the output files.

        A database that was made for the task alone is gone then.
        """
        folder = context.working_directory()
        if self.input_files is not None:
            write_input_files(context, self.input_files, folder)
        stored: dict[str, str] = {}
        path, _ = database_path(context, self.url)
        try:
            yield stored
            for name in self.output_files:
                file = inside(folder, name)
                if not file.is_file():
                    raise TaskFailed(f"The SQL has not written the file `{name}` of `outputFiles`")
                stored[name] = context.storage.put(file, name)
        finally:
            if path == _fresh(context):
                path.unlink(missing_ok=True)
                path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _fresh(context: RunContext) -> Path:
    """Where the database of the task alone is: tasks in one folder have one each."""
    return context.working_directory() / f"duckdb-{context.task_run_id}.db"
