"""Executions and task runs as the API shows them: plain maps, made straight from the stored JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from apps.common.json_values import Shape, format_instant
from apps.workflows.schemas.states import StateShape, state_json
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.task_runs import TaskRunRow
from apps.workflows.services.encrypted_values import ENCRYPTED

MASK: Final = "********"


class LabelShape(Shape):
    """A label."""

    key: str
    value: str


class AttemptShape(Shape):
    """One try of a task run."""

    state: StateShape
    log_file: str | None = None


class TaskRunShape(Shape):
    """One run of a task."""

    id: str
    execution_id: str
    namespace: str
    flow_id: str
    task_id: str
    parent_task_run_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    attempts: list[AttemptShape] | None = None
    outputs: dict[str, Any] | None = None
    state: StateShape


class ExecutionTriggerShape(Shape):
    """What started an execution."""

    id: str
    type: str
    variables: dict[str, Any] | None = None
    log_file: str | None = None


class ExecutionMetadataShape(Shape):
    """Counted over restarts and retries."""

    attempt_number: int
    original_created_date: datetime


class ExecutionShape(Shape):
    """One run of a flow revision."""

    id: str
    namespace: str
    flow_id: str
    flow_revision: int
    task_run_list: list[TaskRunShape] | None = None
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    labels: list[LabelShape]
    variables: dict[str, Any] | None = None
    state: StateShape
    parent_id: str | None = None
    original_id: str
    trigger: ExecutionTriggerShape | None = None
    deleted: bool
    metadata: ExecutionMetadataShape
    schedule_date: datetime | None = None


class StartedExecutionShape(ExecutionShape):
    """A new execution and where its page is."""

    url: str


class ExecutionPageShape(Shape):
    """A page of executions, without their task runs."""

    results: list[ExecutionShape]
    total: int


def execution_json(
    row: ExecutionRow, runs: Iterable[TaskRunRow] | None, now: datetime, *, url: str | None = None
) -> dict[str, Any]:
    """Nulls and empty inputs and outputs are left out, nulls inside them are kept; secrets are masked.

    ``runs`` None leaves ``taskRunList`` out: a list does not read them.
    """
    made: dict[str, Any] = {
        "id": row.id,
        "namespace": row.namespace,
        "flowId": row.flow_id,
        "flowRevision": row.flow_revision,
        "taskRunList": None if runs is None else [task_run_json(row, run, now) for run in runs],
        "inputs": masked(row.inputs) or None,
        "outputs": masked(row.outputs) or None,
        "labels": row.labels,
        "variables": row.variables or None,
        "state": state_json(row.histories, now),
        "parentId": row.parent_id,
        "originalId": row.original_id or row.id,
        "trigger": None if not row.trigger else {key: v for key, v in row.trigger.items() if v is not None},
        "deleted": False,
        "metadata": {
            "attemptNumber": row.attempt_number,
            "originalCreatedDate": format_instant(row.original_created or row.start_date),
        },
        "scheduleDate": None if row.schedule_date is None else format_instant(row.schedule_date),
        "url": url,
    }
    return {name: value for name, value in made.items() if value is not None}


def task_run_json(execution: ExecutionRow, run: TaskRunRow, now: datetime) -> dict[str, Any]:
    """A flowable's run has no attempts; ``outputs`` is there as soon as there are any, even empty."""
    made: dict[str, Any] = {
        "id": run.id,
        "executionId": execution.id,
        "namespace": execution.namespace,
        "flowId": execution.flow_id,
        "taskId": run.task_id,
        "parentTaskRunId": run.parent_id,
        "value": run.value,
        "iteration": run.iteration,
        "attempts": None if run.attempts is None else [attempt_json(attempt, now) for attempt in run.attempts],
        "outputs": masked(run.outputs),
        "state": state_json(run.histories, now),
    }
    return {name: value for name, value in made.items() if value is not None}


def attempt_json(attempt: dict[str, Any], now: datetime) -> dict[str, Any]:
    """An attempt as it is stored → with its state."""
    made = {"state": state_json(attempt["histories"], now)}
    if attempt.get("logFile"):
        made["logFile"] = attempt["logFile"]
    return made


def masked(value: Any) -> Any:
    """The tree with the value of each encrypted text replaced by a mask: the cipher is nobody's business either."""
    if isinstance(value, dict):
        if value.get("type") == ENCRYPTED:
            return {"type": ENCRYPTED, "value": MASK}
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


def executions_json(rows: Sequence[ExecutionRow], now: datetime) -> list[dict[str, Any]]:
    """A list's executions, without task runs."""
    return [execution_json(row, None, now) for row in rows]
