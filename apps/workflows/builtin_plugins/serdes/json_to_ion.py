"""JsonToIon: turns a file of JSON into a file of Ion rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar, TextIO

from pydantic import Field

from apps.workflows.builtin_plugins.serdes.conversion import Conversion, reader, write_ion
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

CHUNK = 256 * 1024
_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder(parse_float=Decimal)


class JsonToIon(Conversion):
    """Turn a file of JSON into a file of Ion rows, which other tasks read.

    The file has a value a line; with `newLine: false` it is one list of values, or one value.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Read the answer of an API that is one list.",
            """
id: read_json
namespace: company.team
tasks:
  - id: fetch
    type: io.kestra.plugin.core.http.Download
    uri: https://example.com/orders.json
  - id: rows
    type: io.kestra.plugin.serdes.json.JsonToIon
    from: "{{ outputs.fetch.uri }}"
    newLine: false
""",
        ),
    )

    charset: str = Field(default="UTF-8", title="The charset of the file; rendered.")
    new_line: bool = Field(default=True, title="Whether each line is a value; else the file is one list, or one value.")

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        text = reader(context, source, self.charset)
        values = _lines(text) if self.new_line else Stream(text).values()
        try:
            return write_ion(context, values, target)
        except UnicodeDecodeError as error:
            raise TaskFailed(f"The file is not written in {self.charset}: {error}") from error


def _lines(text: TextIO) -> Iterator[Any]:
    for number, line in enumerate(text, start=1):
        content = line.lstrip("\ufeff") if number == 1 else line
        if not content.strip():
            continue
        try:
            yield json.loads(content, parse_float=Decimal)
        except ValueError as error:
            raise TaskFailed(f"Line {number} is no JSON: {error}; a file of one list needs `newLine: false`") from error


class Stream:
    """The items of a list that is read a part at a time, or one value."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.held = ""
        self.ended = False

    def values(self) -> Iterator[Any]:
        """Each item. TaskFailed for what is no JSON."""
        if self._first() != "[":
            if self.held:
                yield self._value()
            return
        self.held = self.held[1:]
        closing = self._first()
        while closing != "]":
            yield self._value()
            closing = self._first()
            if closing == ",":
                self.held = self.held[1:]
                self._first()
            elif closing != "]":
                raise TaskFailed(
                    "The file is no JSON: its list has no end" if self.ended else "The file is no JSON list"
                )

    def _first(self) -> str:
        """The next character that is no blank; empty at the end."""
        self.held = self.held.lstrip(_BLANK + "\ufeff")
        while not self.held and self._more():
            self.held = self.held.lstrip(_BLANK + "\ufeff")
        return self.held[:1]

    def _value(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self.held)
            except ValueError as error:
                if self._more():
                    continue
                raise TaskFailed(f"The file is no JSON: {error}") from error
            # A number may go on beyond what is held.
            if end == len(self.held) and self._more():
                continue
            self.held = self.held[end:]
            return value

    def _more(self) -> bool:
        """Read on, twice as much as is held, so that a long value costs no square of its length."""
        part = self.text.read(max(CHUNK, len(self.held)))
        self.ended = not part
        self.held += part
        return bool(part)
