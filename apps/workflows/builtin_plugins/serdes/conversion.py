"""Conversion: a stored file turned into another one, row by row."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, tzinfo
from typing import Any, BinaryIO, TextIO

from pydantic import Field

from apps.workflows.builtin_plugins.ion_writer import value_text
from apps.workflows.builtin_plugins.jdbc.zone import zone_of
from apps.workflows.builtin_plugins.serdes.date_patterns import format_temporal
from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask

CHECK_EVERY = 1000
"""Rows between two looks whether the task must stop."""
_LINES_JOINED = 500


class ConversionOutput(Output):
    """What a conversion gives."""

    uri: str = Field(title="The address of the new file.")


class Conversion(RunnableTask, Documented):
    """Base of the tasks that turn one file into another."""

    from_: str = Field(alias="from", title="The address of the file; rendered.")

    def run(self, context: RunContext) -> ConversionOutput:
        with open_stored(context, context.render(self.from_).strip()) as source, new_part() as target:
            count = self.convert(context, source, target)
            target.seek(0)
            uri = context.storage.put(target, f"converted{self.extension()}")
        context.metric("counter", "records", count)
        return ConversionOutput(uri=uri)

    def extension(self) -> str:
        """The end of the new file's name."""
        return ".ion"

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        """Write the new file; answers how many rows there are."""
        raise NotImplementedError


class TemporalFormats(PluginModel):
    """How dates are written where a format has texts alone."""

    date_format: str = Field(default="yyyy-MM-dd", title="How a date is written; rendered.")
    time_format: str = Field(default="HH:mm:ss[XXX]", title="How a time of day is written; rendered.")
    date_time_format: str = Field(
        default="yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]", title="How a date with a time is written; rendered."
    )
    time_zone_id: str | None = Field(
        default=None, title="The zone, as in `Europe/Paris`, in which dates are written; UTC unless given; rendered."
    )

    def formats(self, context: RunContext) -> Formats:
        """Rendered."""
        return Formats(
            context.render(self.date_format),
            context.render(self.time_format),
            context.render(self.date_time_format),
            zone_of(context, self.time_zone_id),
        )


class Formats:
    """Writes dates as texts."""

    def __init__(self, day: str, clock: str, moment: str, zone: tzinfo) -> None:
        self.day, self.clock, self.moment, self.zone = day, clock, moment, zone

    def text(self, value: Any) -> str | None:
        """The text of a date; None for what is none."""
        if isinstance(value, datetime):
            local = value if value.tzinfo is None else value.astimezone(self.zone)
            return format_temporal(local, self.moment)
        if isinstance(value, date):
            return format_temporal(value, self.day)
        return format_temporal(value, self.clock) if isinstance(value, time) else None


def write_ion(context: RunContext, rows: Iterable[Any], target: BinaryIO) -> int:
    """Write each row as a line of Ion; answers how many."""
    count = 0
    lines: list[str] = []
    for row in rows:
        count += 1
        lines.append(value_text(row))
        if len(lines) == _LINES_JOINED:
            context.cancellation.check()
            target.write(("\n".join(lines) + "\n").encode())
            lines.clear()
    if lines:
        target.write(("\n".join(lines) + "\n").encode())
    return count


def reader(context: RunContext, source: BinaryIO, charset: str) -> TextIO:
    """The file as text; line ends as they are. TaskFailed for an unknown charset."""
    return io.TextIOWrapper(io.BufferedReader(_Unclosed(source)), encoding=known_charset(context, charset), newline="")


def writer(context: RunContext, target: BinaryIO, charset: str) -> TextIO:
    """A text file over a file that stays open; ``flush`` it at the end."""
    return io.TextIOWrapper(io.BufferedWriter(_Unclosed(target)), encoding=known_charset(context, charset), newline="")


def known_charset(context: RunContext, charset: str) -> str:
    """Its name. A mark at the beginning of UTF-8 is no part of the text."""
    name = context.render(charset)
    try:
        found = codecs.lookup(name).name
    except LookupError as error:
        raise TaskFailed(f"There is no charset `{name}`") from error
    return found


class _Unclosed(io.RawIOBase):
    """A file for a wrapper to wrap, which does not close it with itself."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self.file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def write(self, data: Any) -> int:
        self.file.write(bytes(data))
        return len(data)


def checked(context: RunContext, rows: Iterable[Any]) -> Iterator[Any]:
    """The rows, with a look now and then whether the task must stop."""
    for number, row in enumerate(rows):
        if number % CHECK_EVERY == 0:
            context.cancellation.check()
        yield row
