"""How a SQLite database is reached: a file of the working directory, or memory."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.jdbc_url import after_kind
from apps.workflows.builtin_plugins.jdbc.query_task import ConnectionProperties
from apps.workflows.builtin_plugins.jdbc.sqlite.connection import SqliteConnection
from apps.workflows.builtin_plugins.working_files import fetch, inside
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

MEMORY = ":memory:"


class SqliteProperties(ConnectionProperties):
    """How a SQLite database is reached."""

    sqlite_file: str | None = Field(
        default=None, title="The address of a stored database, copied to the file that `url` names; rendered."
    )

    def connect(self, context: RunContext) -> SqliteConnection:
        """See ConnectionProperties."""
        _, rest = after_kind(context.render(self.url), ("sqlite",))
        path, _, query = rest.removeprefix("file:").partition("?")
        if path in ("", MEMORY):
            if self.sqlite_file is not None:
                raise TaskFailed("`sqliteFile` needs a `url` that names a file, as in jdbc:sqlite:shop.db")
            return SqliteConnection(MEMORY, uri=False)
        target = self._file(context, path)
        read_only = "mode=ro" in query.split("&")
        return SqliteConnection(f"file:{quote(str(target))}{'?mode=ro' if read_only else ''}", uri=True)

    def _file(self, context: RunContext, path: str) -> Path:
        if self.sqlite_file is not None:
            target = inside(context.working_directory(), PurePosixPath(path).name)
            fetch(context, context.render(self.sqlite_file).strip(), target)
            return target
        return Path(path) if PurePosixPath(path).is_absolute() else inside(context.working_directory(), path)
