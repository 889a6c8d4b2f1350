"""The three tasks a ForEachItem consists of: split the file, start an execution per batch, merge what they gave."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.storage.splitting import Cut, new_part, parse_size, split_lines
from apps.workflows.expressions.ion_text import to_ion
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import ExecutableTask, FlowCall, Output, RunnableTask

BATCH = "batch-"
"""What the files of the batches are called, before their number: so the engine need not read their list."""


class Batch(PluginModel):
    """How a file is cut into batches."""

    rows: Property[int] | None = Field(default=None, title="Lines of a batch; 1 unless something else is given.")
    bytes: Property[str] | None = Field(default=None, title="The size of a batch, as in `10MB`.")
    partitions: Property[int] | None = Field(default=None, title="The number of batches.")
    separator: Property[str] | None = Field(
        default=None, title="What is written after each line of a batch; a line feed unless given."
    )

    def cut(self, context: RunContext) -> Cut:
        """The values in this run."""
        return Cut(
            size=None if self.bytes is None else parse_size(self.bytes.value(context)),
            partitions=None if self.partitions is None else self.partitions.value(context),
            rows=1 if self.rows is None else self.rows.value(context),
            separator="\n" if self.separator is None else self.separator.value(context),
        )


class SplitOutput(Output):
    """What the split gives."""

    splits: str = Field(title="A file with the addresses of the batches, one a line.")
    number_of_batches: int = Field(title="How many batches there are.")
    batches_uri: str = Field(title="The address of the batches, without their number.")


class Split(RunnableTask):
    """Cut the file into batches."""

    items: str
    batch: Batch

    def run(self, context: RunContext) -> SplitOutput:
        source = context.render(self.items).strip()
        if not source.startswith("kestra://"):
            raise TaskFailed(f"Unable to split the items from {source}, this is not an internal storage URI!")
        count = 0
        with new_part() as listed:
            for address in split_lines(context, source, self.batch.cut(context), BATCH):
                listed.write(address.encode() + b"\n")
                count += 1
            listed.seek(0)
            splits = context.storage.put(listed, "splits.txt")
        return SplitOutput(
            splits=splits, number_of_batches=count, batches_uri=splits.removesuffix("splits.txt") + BATCH
        )


class StartBatches(ExecutableTask):
    """Start an execution for each batch."""

    split_id: str
    flow_call: FlowCall

    def batches(self) -> Any:
        return f"{{{{ {self._split()}.numberOfBatches }}}}"

    def items(self, batch: int) -> Any:
        return f"{{{{ {self._split()}.batchesUri }}}}{batch + 1}.txt"

    def call(self) -> FlowCall:
        return self.flow_call

    def _split(self) -> str:
        # Inside loops a task's outputs are told apart by the values of the loops.
        return f"currentEachOutput(outputs['{self.split_id}'])"


class MergeOutput(Output):
    """What the merge gives."""

    subflow_outputs: str | None = Field(
        default=None, title="A file of Ion rows, one for each batch: the outputs of its execution."
    )


class Merge(RunnableTask):
    """Put together what the flows of the batches gave."""

    side_effects: ClassVar[bool] = False

    items_id: str
    waits: bool

    def run(self, context: RunContext) -> MergeOutput:
        if not self.waits:
            return MergeOutput()
        written = False
        with new_part() as merged:
            for outputs in context.executions().batch_outputs(self.items_id):
                if outputs:
                    merged.write(to_ion(outputs).encode() + b"\n")
                    written = True
            if not written:
                return MergeOutput()
            merged.seek(0)
            return MergeOutput(subflow_outputs=context.storage.put(merged, "outputs.ion"))
