"""ForEachItem: an execution of another flow for each batch of a stored file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.flow.for_each_item_steps import Batch, Merge, Split, StartBatches
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Kind, Lanes
from apps.workflows.plugin_api.labels import Labels
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.task import FlowCall
from apps.workflows.plugin_api.typed import BranchingTask


class ForEachItem(BranchingTask, Documented):
    """Start an execution of another flow for each batch of lines of a stored file.

    The flow reads its batch as `taskrun.items` (the address of a file) and its number, from 1, as
    `taskrun.iteration`; both are for `inputs` and `labels` here. The task runs as three: `<id>_split` cuts the file,
    `<id>_items` starts the executions and waits for them, `<id>_merge` puts their outputs into one file, the output
    `subflowOutputs`.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Handle a file in batches of a thousand lines.",
            """
id: import_orders
namespace: company.team
inputs:
  - id: orders
    type: FILE
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEachItem
    items: "{{ inputs.orders }}"
    batch:
      rows: 1000
    namespace: company.team
    flowId: import_batch
    inputs:
      batch: "{{ taskrun.items }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.each_items.iterations }}"
""",
        ),
    )

    items: str = Field(title="The address of the file in internal storage; rendered.")
    batch: Batch = Field(default_factory=Batch, title="How the file is cut: bytes, else partitions, else rows.")
    namespace: str = Field(title="The namespace of the flow; rendered.")
    flow_id: str = Field(title="The id of the flow; rendered.")
    revision: Annotated[int, Field(ge=1)] | None = Field(
        default=None, title="The revision to start; the newest unless given."
    )
    inputs: dict[str, Any] | None = Field(default=None, title="Inputs of each execution; rendered.")
    labels: Labels | None = Field(default=None, title="Labels of each execution; rendered.")
    inherit_labels: bool = Field(default=False, title="Whether they get the labels of this execution too.")
    wait: bool = Field(default=True, title="Whether the task lasts until the executions have ended.")
    transmit_failed: bool = Field(
        default=True, title="Whether the task ends FAILED, KILLED or WARNING when one of the executions does."
    )
    schedule_date: Property[datetime] | None = Field(
        default=None, title="When the executions begin; at once unless given."
    )

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.ONE,
            lists={"main": (self._split(), self._start(), self._merge())},
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            kind=Kind.FOR_EACH_ITEM,
        )

    def _split(self) -> Split:
        return Split(
            id=f"{self.id}_split",
            type=f"{self.type}$ForEachItemSplit",
            items=self.items,
            batch=self.batch,
            worker_group=self.worker_group,
        )

    def _start(self) -> StartBatches:
        call = FlowCall(
            namespace=self.namespace,
            flow_id=self.flow_id,
            revision=self.revision,
            inputs=self.inputs,
            labels=None if self.labels is None else [{"key": one.key, "value": one.value} for one in self.labels],
            inherit_labels=self.inherit_labels,
            schedule_date=self.schedule_date,
        )
        return StartBatches(
            id=f"{self.id}_items",
            type=f"{self.type}$ForEachItemExecutable",
            split_id=f"{self.id}_split",
            flow_call=call,
            wait=self.wait,
            transmit_failed=self.transmit_failed,
        )

    def _merge(self) -> Merge:
        return Merge(
            id=f"{self.id}_merge",
            type=f"{self.type}$ForEachItemMergeOutputs",
            items_id=f"{self.id}_items",
            waits=self.wait,
            worker_group=self.worker_group,
        )
