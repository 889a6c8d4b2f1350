"""Split: cuts a stored file of lines into several."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import Cut, parse_size, split_lines
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class SplitOutput(Output):
    """What Split gives."""

    uris: list[str] = Field(title="The addresses of the parts, in order.")


class Split(RunnableTask, Documented):
    """Cut a stored file of lines into parts.

    By size, into a number of parts, or by the number of lines; the first of these that is given counts. A line is
    never cut.
    """

    side_effects: ClassVar[bool] = False
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Parts of a thousand lines, handled one after another.",
            """
id: parts
namespace: company.team
inputs:
  - id: file
    type: FILE
tasks:
  - id: split
    type: io.kestra.plugin.core.storage.Split
    from: "{{ inputs.file }}"
    rows: 1000
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ outputs.split.uris }}"
    tasks:
      - id: size
        type: io.kestra.plugin.core.storage.Size
        uri: "{{ taskrun.value }}"
""",
        ),
    )

    from_: str = Field(alias="from", title="The address of the file; rendered.")
    bytes: Property[str] | None = Field(default=None, title="The largest size of a part, as in `10MB`.")
    partitions: Property[int] | None = Field(
        default=None, title="The number of parts; the lines go to each in turn, empty parts are left out."
    )
    rows: Property[int] | None = Field(default=None, title="The number of lines of a part.")
    separator: Property[str] | None = Field(
        default=None, title="What is written after each line; a line feed unless given."
    )

    def check(self) -> list[str]:
        if self.bytes is None and self.partitions is None and self.rows is None:
            return ["Invalid configuration with no size, count, nor rows"]
        return []

    def run(self, context: RunContext) -> SplitOutput:
        cut = Cut(
            size=None if self.bytes is None else parse_size(self.bytes.value(context)),
            partitions=None if self.partitions is None else self.partitions.value(context),
            rows=None if self.rows is None else self.rows.value(context),
            separator="\n" if self.separator is None else self.separator.value(context),
        )
        return SplitOutput(uris=list(split_lines(context, context.render(self.from_).strip(), cut, "part-")))
