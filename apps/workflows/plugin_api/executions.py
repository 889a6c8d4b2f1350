"""What a running task may do with executions: count, purge and resume them, read and purge their logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level


@dataclass(frozen=True, slots=True)
class Selection:
    """Which executions a task means. ``namespace`` alone stands for those below it too, with ``flow_id`` for itself."""

    namespace: str | None = None
    flow_id: str | None = None
    states: Sequence[State] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class FlowCount:
    """How many executions a flow has."""

    namespace: str
    flow_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Purged:
    """How many of each were deleted."""

    executions: int = 0
    logs: int = 0
    metrics: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """What a message about an execution tells. ``failed_task`` is that of the last run that has failed, the inmost."""

    execution_id: str
    namespace: str
    flow_id: str
    state: State
    start: datetime
    end: datetime | None
    link: str
    """Address of its page."""
    failed_task: str | None = None


class Executions(Protocol):
    """The executions of the tenant, their logs included, as far as a task may reach them.

    A namespace other than the flow's must be allowed to it: else PermissionError ``Namespace X is not allowed.``
    """

    def count(self, selections: Sequence[Selection]) -> list[FlowCount]:
        """Executions by flow, in the order of the selections; a flow that is named has its 0 too."""
        ...

    def purge(self, selection: Selection, *, executions: bool, logs: bool, metrics: bool, files: bool) -> Purged:
        """Delete ended executions, or only what is named of them. Slice by slice, each committed for itself."""
        ...

    def resume(self, execution_id: str, *, inputs: Mapping[str, Any], flow: tuple[str, str] | None = None) -> None:
        """Let a paused execution (of that namespace and flow) go on.

        LookupError when there is none, ValueError when it is not paused or the inputs are not what its Pause asks for.
        """
        ...

    def summary(self, execution_id: str) -> ExecutionSummary:
        """What there is to tell about an execution at this moment. LookupError when there is none."""
        ...

    def logs(
        self, execution_id: str, *, min_level: Level, task_ids: Sequence[str] = (), flow: tuple[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Log entries of an execution, as the API shows them, in order. LookupError when there is none."""
        ...

    def purge_logs(self, selection: Selection, *, levels: Sequence[Level] = ()) -> int:
        """Delete lines of a period, of triggers too; answers how many. ``states`` of the selection do not count."""
        ...

    def batch_outputs(self, task_id: str) -> Iterator[dict[str, Any] | None]:
        """The flow outputs of each execution that a task of this one started for a batch, in the order of batches.

        Those of batch n, from 1, also come into the file `n/outputs.ion` below the task's `subflowOutputsBaseUri`.
        """
        ...
