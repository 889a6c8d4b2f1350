"""Splitting: a stored file of lines into stored parts, by rows, by bytes or into a number of partitions."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, cast

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a part that are kept in memory before it goes to disk."""
MOST_PARTITIONS = 1000
"""Partitions are all open at once."""
CHECK_EVERY = 10_000
"""Lines between two looks whether the task must stop."""
_SIZE = re.compile(r"\s*(\d+)\s*(B|KB|MB|GB|TB)?\s*", re.IGNORECASE)
_UNITS = {"B": 0, "KB": 1, "MB": 2, "GB": 3, "TB": 4}


@dataclass(frozen=True, slots=True)
class Cut:
    """How a file is cut; the first of ``size`` (bytes), ``partitions`` and ``rows`` that is given counts.

    ``separator`` is written after each line.
    """

    size: int | None = None
    partitions: int | None = None
    rows: int | None = None
    separator: str = "\n"


def parse_size(text: str) -> int:
    """Bytes of ``10MB``, ``10 KB`` or ``4096``. TaskFailed when it is no size, or nothing."""
    found = _SIZE.fullmatch(text)
    number = 0 if found is None else int(found[1]) * 1024 ** _UNITS[(found[2] or "B").upper()]
    if number < 1:
        raise TaskFailed(f"`{text}` is no size of a part, write it as in 10MB")
    return number


def split_lines(context: RunContext, source: str, cut: Cut, name: str) -> Iterator[str]:
    """Store the lines of a file in parts ``<name>1.txt``, ``<name>2.txt``, …; answers their addresses in order.

    Memory does not grow with the file. TaskFailed when a limit is not above 0 or the file may not be read.
    """
    for limit, shown in ((cut.size, "bytes"), (cut.partitions, "partitions"), (cut.rows, "rows")):
        if limit is not None and limit < 1:
            raise TaskFailed(f"`{shown}` must be at least 1, but is {limit}")
    with open_stored(context, source) as content:
        lines = _checked(context, content, cut.separator.encode())
        if cut.size is not None:
            parts = _by_size(lines, cut.size)
        elif cut.partitions is not None:
            parts = _into_partitions(lines, cut.partitions)
        elif cut.rows is not None:
            parts = _by_rows(lines, cut.rows)
        else:
            raise TaskFailed("Invalid configuration with no size, count, nor rows")
        for number, part in enumerate(parts, start=1):
            yield context.storage.put(part, f"{name}{number}.txt")


def open_stored(context: RunContext, uri: str) -> BinaryIO:
    """A stored file. TaskFailed when there is none or it may not be read."""
    try:
        return context.storage.open(uri)
    except (FileNotFoundError, PermissionError, ValueError) as error:
        raise TaskFailed(f"Cannot read `{uri}`: {error}") from error


def new_part() -> BinaryIO:
    """A file that lives in memory while it is small; gone when it is closed."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))


def _checked(context: RunContext, content: BinaryIO, separator: bytes) -> Iterator[bytes]:
    for number, line in enumerate(content):
        if number % CHECK_EVERY == 0:
            context.cancellation.check()
        yield line.removesuffix(b"\n").removesuffix(b"\r") + separator


def _by_rows(lines: Iterator[bytes], rows: int) -> Iterator[BinaryIO]:
    held = 0
    part = new_part()
    try:
        for line in lines:
            part.write(line)
            held += 1
            if held == rows:
                yield _from_start(part)
                part.close()
                part, held = new_part(), 0
        if held:
            yield _from_start(part)
    finally:
        part.close()


def _by_size(lines: Iterator[bytes], size: int) -> Iterator[BinaryIO]:
    held = 0
    part = new_part()
    try:
        for line in lines:
            if held and held + len(line) > size:
                yield _from_start(part)
                part.close()
                part, held = new_part(), 0
            part.write(line)
            held += len(line)
        if held:
            yield _from_start(part)
    finally:
        part.close()


def _into_partitions(lines: Iterator[bytes], count: int) -> Iterator[BinaryIO]:
    if count > MOST_PARTITIONS:
        raise TaskFailed(f"`partitions` is {count}, but can be at most {MOST_PARTITIONS}; cut by rows instead")
    with ExitStack() as opened:
        parts: list[BinaryIO] = []
        for number, line in enumerate(lines):
            if number < count:
                parts.append(opened.enter_context(new_part()))
            parts[number % count].write(line)
        for part in parts:
            yield _from_start(part)


def _from_start(part: BinaryIO) -> BinaryIO:
    part.seek(0)
    return part
