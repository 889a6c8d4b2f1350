"""MySqlConnection: PyMySQL behind the face all databases have."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE, FLAG
from pymysql.cursors import SSCursor

from apps.workflows.builtin_plugins.jdbc.connection import Rows
from apps.workflows.builtin_plugins.jdbc.dialect import MYSQL, Dialect
from apps.workflows.builtin_plugins.jdbc.fetching import BATCH
from apps.workflows.builtin_plugins.jdbc.statements import Bound
from apps.workflows.plugin_api.errors import TaskFailed

_DAY = timedelta(days=1)
_MIDNIGHT = datetime(1, 1, 1)  # noqa: DTZ001 — only its time of day is used
_CANCEL_SECONDS = 5
_LOCAL_FILE = re.compile(r"\bLOCAL\s+INFILE\s+(['\"])(.*?)\1", re.IGNORECASE | re.DOTALL)


class MySqlConnection:
    """One connection. Rows are read from the socket as they are taken."""

    dialect: ClassVar[Dialect] = MYSQL

    def __init__(self, arguments: dict[str, Any], *, time_zone: str | None, folder: Path | None = None) -> None:
        self.arguments = arguments
        self.folder = folder
        flags = CLIENT.LOCAL_FILES if folder is not None else 0
        with _failures("Cannot connect to MySQL"):
            self.connection = pymysql.connect(
                **arguments, autocommit=True, client_flag=flags, local_infile=folder is not None
            )
        self.thread_id = self.connection.thread_id()
        try:
            self.zone = self._zone(time_zone)
        except TaskFailed:
            self.close()
            raise

    def _zone(self, wanted: str | None) -> tzinfo:
        """The zone in which the server gives a TIMESTAMP."""
        with _failures("Cannot set up the connection"), self.connection.cursor() as cursor:
            if wanted is not None:
                try:
                    cursor.execute("SET time_zone = %s", (wanted,))
                except pymysql.err.OperationalError as error:
                    raise TaskFailed(
                        f"The server does not know the time zone `{wanted}`; load its zone tables, or write an offset"
                        " as in +02:00"
                    ) from error
            cursor.execute(
                "SELECT @@session.time_zone, @@system_time_zone, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())"
            )
            row = cursor.fetchone()
        session, system, ahead = row if row else ("SYSTEM", "UTC", 0)
        for name in (session, system if session == "SYSTEM" else ""):
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue  # an offset, or the summer's name of a zone
        return timezone(timedelta(seconds=round(ahead / 60) * 60))

    def begin(self) -> None:
        """Begin a transaction."""
        with _failures():
            self.connection.begin()

    def commit(self) -> None:
        """End it."""
        with _failures():
            self.connection.commit()

    def rollback(self) -> None:
        """Undo it; a connection that is broken has been undone by the server."""
        try:
            self.connection.rollback()
        except (pymysql.Error, OSError, AttributeError):
            self.close()

    def run(self, statement: Bound, batch: int) -> Rows | None:
        """Run one statement, its rows streamed."""
        cursor = self.connection.cursor(SSCursor)
        with _failures():
            self._check_files(statement)
            cursor.execute(statement.text, None if statement.values is None else _adapted(statement.values))
        if cursor.description is None:
            cursor.close()
            return None
        names = [str(column[0]) for column in cursor.description]
        fields = cursor._result.fields if cursor._result is not None else []
        return Rows(names, _batches(cursor), [self._convert(field) for field in fields])

    def _check_files(self, statement: Bound) -> None:
        if self.folder is None or statement.first_word != "LOAD":
            return
        found = _LOCAL_FILE.search(statement.text)
        if found is not None and not Path(found[2]).resolve().is_relative_to(self.folder.resolve()):
            raise TaskFailed("LOAD DATA LOCAL reads files of the working directory alone: name {{ inputFile }}")

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement with ``?`` for each row."""
        with _failures(), self.connection.cursor() as cursor:
            text = _percent_marks(statement)
            return int(cursor.executemany(text, [_adapted(row) for row in rows]) or 0)

    def columns_of(self, table: str) -> list[str]:
        """The names of a table's columns."""
        with _failures(), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")  # noqa: S608 — the flow's own name
            return [str(column[0]) for column in cursor.description or ()]

    def cancel(self) -> None:
        """End the statement from a connection beside it, as MySQL wants it."""
        try:
            beside = pymysql.connect(**{**self.arguments, "connect_timeout": _CANCEL_SECONDS}, autocommit=True)
            with beside, beside.cursor() as cursor:
                cursor.execute("KILL QUERY %s", (self.thread_id,))
        except (pymysql.Error, OSError):
            return  # asked again; a connection that is gone runs nothing

    def close(self) -> None:
        """Close it at once, also with rows unread."""
        self.connection._force_close()

    def _convert(self, field: Any) -> Callable[[Any], Any] | None:
        match field.type_code:
            case FIELD_TYPE.TIMESTAMP:
                return self._instant
            case FIELD_TYPE.TIME:
                return _clock
            case FIELD_TYPE.LONGLONG if field.flags & FLAG.UNSIGNED:
                return str
            case FIELD_TYPE.TINY if field.length == 1:
                return bool
            case FIELD_TYPE.BIT:
                return _bits
        return None

    def _instant(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value  # 0000-00-00, which is no date
        return value.replace(tzinfo=self.zone).astimezone(UTC)


def _clock(value: Any) -> Any:
    """A time of day; MySQL's TIME may also be longer than a day, or negative: then it is a length of time."""
    if isinstance(value, timedelta) and timedelta() <= value < _DAY:
        return (_MIDNIGHT + value).time()
    return value if isinstance(value, timedelta) else time.fromisoformat(str(value))


def _bits(value: bytes) -> bool | bytes:
    return value == b"\x01" if len(value) == 1 and value in (b"\x00", b"\x01") else value


def _adapted(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value
        for value in values
    )


def _percent_marks(text: str) -> str:
    """The statement with ``%s`` for each ``?`` outside of texts and comments."""
    parts: list[str] = []
    position = end = 0
    while found := MYSQL.pattern.search(text, position):
        position = found.end()
        if found.lastgroup == "sign" and found[0] == "?":
            parts += [text[end : found.start()].replace("%", "%%"), "%s"]
            end = position
    return "".join(parts) + text[end:].replace("%", "%%")


def _batches(cursor: SSCursor) -> Iterator[list[Any]]:
    stream = iter(cursor)
    while True:
        with _failures():
            rows = list(islice(stream, BATCH))
            if not rows:
                cursor.close()
        if not rows:
            return
        yield rows


@contextmanager
def _failures(what: str | None = None) -> Iterator[None]:
    try:
        yield
    except (pymysql.Error, OSError, ssl.SSLError) as error:
        code, *words = error.args if error.args else (type(error).__name__,)
        shown = f"{words[0]} (error {code})" if words else str(code)
        raise TaskFailed(f"{what}: {shown}" if what else shown) from error
