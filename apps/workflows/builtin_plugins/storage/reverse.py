"""Reverse: turns a stored file of lines around."""

from __future__ import annotations

import codecs
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import new_part, open_stored
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask

BLOCK = 1024 * 1024
"""Bytes that are read at once, from the end."""


class ReverseOutput(Output):
    """What Reverse gives."""

    uri: str = Field(title="The address of the new file.")


class Reverse(RunnableTask, Documented):
    """Turn a stored file around, so that its last line is the first."""

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The newest line of a log first.",
            """
id: newest_first
namespace: company.team
inputs:
  - id: log
    type: FILE
tasks:
  - id: turn
    type: io.kestra.plugin.core.storage.Reverse
    from: "{{ inputs.log }}"
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")
    separator: str = Field(default="\n", title="What lies between two lines; rendered.")
    charset: str = Field(default="UTF-8", title="The charset of the file; rendered.")

    def run(self, context: RunContext) -> ReverseOutput:
        charset = context.render(self.charset)
        try:
            separator = context.render(self.separator).encode(codecs.lookup(charset).name)
        except (LookupError, UnicodeEncodeError) as error:
            raise TaskFailed(f"`charset` is `{charset}`: {error}") from error
        if not separator:
            raise TaskFailed("`separator` must not be empty")
        with open_stored(context, context.render(self.from_).strip()) as content, tempfile.TemporaryFile() as whole:
            shutil.copyfileobj(content, whole)
            with new_part() as turned:
                for line in lines_from_end(whole, separator):
                    context.cancellation.check()
                    turned.write(line + separator)
                turned.seek(0)
                return ReverseOutput(uri=context.storage.put(turned, "reversed.tmp"))


def lines_from_end(content: BinaryIO, separator: bytes, block: int = BLOCK) -> Iterator[bytes]:
    """The lines of a file, the last one first, without their separators; a block of it in memory, and one line."""
    position = content.seek(0, os.SEEK_END)
    held = b""
    ends = True
    while position > 0:
        size = min(block, position)
        position -= size
        content.seek(position)
        held = content.read(size) + held
        # A separator may lie across two blocks, so what is before the first one found waits for the next block.
        *rest, first = reversed(held.split(separator))
        for line in rest:
            # The file ends with a separator, usually: no line follows that one.
            if line or not ends:
                yield line
            ends = False
        held = first
    if held or not ends:
        yield held
