"""The beginning of a file as people can look at it: text, Markdown, rows, a picture. Bounded, whatever the file."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from amazon.ion.exceptions import IonException
from amazon.ion.simpleion import load as load_ion

from apps.common.errors import IllegalArgument, NotFound
from apps.common.json_values import to_json_value
from apps.storage.internal_storage import open_storage

INITIAL_ROWS: Final = 100
MOST_ROWS: Final = 5000
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_PICTURE_BYTES: Final = 5 * 1024 * 1024
PICTURES: Final = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg"})


@dataclass(frozen=True, slots=True)
class FilePreview:
    """``type`` is text, markdown, list, image or pdf; ``content`` a text, rows, or base64. ``truncated``: there is
    more."""

    extension: str
    type: str
    content: Any
    truncated: bool


def preview_file(address: str, *, most_rows: int | None = None, encoding: str = "utf-8") -> FilePreview:
    """The first rows (or lines) of a file. NotFound; IllegalArgument for an encoding or number that cannot be."""
    rows = INITIAL_ROWS if most_rows is None else most_rows
    if not 1 <= rows <= MOST_ROWS:
        raise IllegalArgument(f"'maxRows' must be from 1 to {MOST_ROWS}.")
    try:
        "".encode(encoding)
    except LookupError as error:
        raise IllegalArgument(f"There is no encoding '{encoding[:40]}'; use utf-8 or one that Python knows.") from error
    extension = address.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    storage = open_storage()
    try:
        size = storage.size(address)
        with storage.open(address) as stream:
            return _read(stream, size, extension, rows, encoding)
    except FileNotFoundError as error:
        raise NotFound("There is no such file; it may have been purged.") from error


def _read(stream: BinaryIO, size: int, extension: str, rows: int, encoding: str) -> FilePreview:
    if extension in PICTURES or extension == "pdf":
        kind = "pdf" if extension == "pdf" else "image"
        if size > MOST_PICTURE_BYTES:
            return FilePreview(extension, kind, "", True)
        return FilePreview(extension, kind, base64.b64encode(stream.read()).decode(), False)
    if extension == "ion":
        return _rows(extension, _ion_values(stream), rows)
    if extension in {"jsonl", "ndjson"}:
        return _rows(extension, _json_lines(stream, encoding), rows)
    content = stream.read(MOST_BYTES + 1)
    lines = content[:MOST_BYTES].decode(encoding, "replace").splitlines(keepends=True)
    truncated = len(content) > MOST_BYTES or len(lines) > rows
    kind = "markdown" if extension == "md" else "text"
    return FilePreview(extension, kind, "".join(lines[:rows]), truncated)


def _rows(extension: str, values: Iterator[Any], rows: int) -> FilePreview:
    try:
        found = [to_json_value(value) for value in itertools.islice(values, rows + 1)]
    except (IonException, ValueError) as error:
        return FilePreview(extension, "text", f"The file cannot be read as {extension}: {error}", True)
    return FilePreview(extension, "list", found[:rows], len(found) > rows)


def _ion_values(stream: BinaryIO) -> Iterator[Any]:
    return iter(load_ion(stream, single_value=False, parse_eagerly=False))


def _json_lines(stream: BinaryIO, encoding: str) -> Iterator[Any]:
    for line in itertools.takewhile(lambda line: line, iter(lambda: stream.readline(MOST_BYTES), b"")):
        if line.strip():
            yield json.loads(line.decode(encoding, "replace"))
