"""The executions of the tenant as a running task may reach them: the worker's ``plugin_api.executions``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings

from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalState, Invalid, NotFound
from apps.storage.internal_storage import open_storage, task_file_address
from apps.workflows.engine.batches import batch_execution_id
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts
from apps.workflows.expressions.ion_text import to_ion
from apps.workflows.plugin_api.executions import ExecutionSummary, FlowCount, Purged, Selection
from apps.workflows.plugin_api.state import ENDED, State
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.batch_runs import find_batch_run, read_flow_outputs
from apps.workflows.selectors.execution_counts import count_by_flow
from apps.workflows.selectors.executions import ExecutionHead, find_execution, find_head
from apps.workflows.selectors.log_search import LogLine, list_execution_logs
from apps.workflows.selectors.task_runs import find_failed_task
from apps.workflows.services.namespace_access import check_namespace
from apps.workflows.services.pausing import resume_execution
from apps.workflows.services.purging import purge_executions, purge_logs
from apps.workflows.services.stored_outputs import open_flow_outputs

LINES: Final = 1000
"""Lines of a log read at once."""
OUTPUTS: Final = 200
"""Executions whose outputs are read at once."""


class TenantExecutions:
    """For one task run. ``check`` raises when the task must stop."""

    def __init__(self, facts: ExecutionFacts, run: RunRow, check: Callable[[], None]) -> None:
        self._facts = facts
        self._run = run
        self._check = check

    def count(self, selections: Sequence[Selection]) -> list[FlowCount]:
        """Executions by flow."""
        counted: dict[tuple[str, str], int] = {}
        for selection in selections:
            if selection.namespace is None:
                raise ValueError("Executions are counted by namespace; name one")
            self._allow(selection.namespace)
            if selection.flow_id is not None:
                counted.setdefault((selection.namespace, selection.flow_id), 0)
            found = count_by_flow(
                namespace=selection.namespace,
                flow_id=selection.flow_id,
                states=selection.states,
                start=selection.start,
                end=selection.end,
            )
            counted.update({(namespace, flow_id): count for namespace, flow_id, count in found})
        return [FlowCount(namespace, flow_id, count) for (namespace, flow_id), count in counted.items()]

    def purge(self, selection: Selection, *, executions: bool, logs: bool, metrics: bool, files: bool) -> Purged:
        """Delete ended executions."""
        self._allow(selection.namespace)
        return purge_executions(
            acting_user=None,
            selection=selection,
            executions=executions,
            logs=logs,
            metrics=metrics,
            files=files,
            check=self._check,
        )

    def resume(self, execution_id: str, *, inputs: Mapping[str, Any], flow: tuple[str, str] | None = None) -> None:
        """Let a paused execution go on."""
        self._find(execution_id, flow)
        try:
            resume_execution(acting_user=None, execution_id=execution_id, given=inputs)
        except NotFound as error:
            raise LookupError(error.message) from error
        except IllegalState as error:
            raise ValueError("The execution is not paused") from error
        except Invalid as error:
            raise ValueError(error.message) from error

    def summary(self, execution_id: str) -> ExecutionSummary:
        """What there is to tell about an execution. Three queries."""
        self._find(execution_id, None)
        row = find_execution(execution_id)
        if row is None:
            raise LookupError(f"There is no execution {execution_id}")
        state = State(row.state)
        path = f"{require_tenant()}/executions/{row.namespace}/{row.flow_id}/{row.id}"
        return ExecutionSummary(
            execution_id=row.id,
            namespace=row.namespace,
            flow_id=row.flow_id,
            state=state,
            start=row.start_date,
            end=datetime.fromisoformat(row.histories[-1]["date"]) if state in ENDED else None,
            link=f"{settings.KESTRA_URL}/ui/{path}",
            failed_task=find_failed_task(row.id),
        )

    def logs(
        self, execution_id: str, *, min_level: Level, task_ids: Sequence[str] = (), flow: tuple[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Log entries in order."""
        self._find(execution_id, flow)
        after = 0
        while lines := list_execution_logs(execution_id, min_level=min_level, after=after, limit=LINES):
            for line in lines:
                if not task_ids or line.task_id in task_ids:
                    yield _entry(line)
            after = lines[-1].number

    def purge_logs(self, selection: Selection, *, levels: Sequence[Level] = ()) -> int:
        """Delete lines."""
        self._allow(selection.namespace)
        return purge_logs(acting_user=None, selection=selection, levels=levels, check=self._check)

    def batch_outputs(self, task_id: str) -> Iterator[dict[str, Any] | None]:
        """The outputs of the executions a task of this one started, by batch; each is put into its file on the way."""
        found = find_batch_run(self._facts.id, task_id, self._run.loop_key)
        if found is None:
            return
        storage, facts = open_storage(), self._facts
        for first in range(0, found.batches, OUTPUTS):
            batches = range(first, min(first + OUTPUTS, found.batches))
            ids = [batch_execution_id(found.id, found.tries, batch) for batch in batches]
            for batch, child_id, held in zip(batches, ids, read_flow_outputs(ids), strict=True):
                outputs = open_flow_outputs(child_id, held)
                if outputs:
                    name = f"{batch + 1}/outputs.ion"
                    address = task_file_address(facts.namespace, facts.flow_id, facts.id, task_id, found.id, name)
                    storage.put(address, to_ion(outputs).encode() + b"\n")
                yield outputs

    def _find(self, execution_id: str, flow: tuple[str, str] | None) -> ExecutionHead:
        head = find_head(execution_id)
        if head is None or (flow is not None and (head.namespace, head.flow_id) != flow):
            raise LookupError(f"There is no execution {execution_id}")
        self._allow(head.namespace)
        return head

    def _allow(self, namespace: str | None) -> None:
        if namespace is not None:
            check_namespace(namespace, used_by=self._facts.namespace)


def _entry(line: LogLine) -> dict[str, Any]:
    made: dict[str, str | datetime | int | None] = {
        "namespace": line.namespace,
        "flowId": line.flow_id,
        "taskId": line.task_id,
        "executionId": line.execution_id,
        "taskRunId": line.task_run_id,
        "triggerId": line.trigger_id,
        "timestamp": line.timestamp,
        "level": line.level.value,
        "message": line.message,
    }
    return {name: value for name, value in made.items() if value is not None} | {"attemptNumber": line.attempt}
