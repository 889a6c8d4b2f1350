"""Log lines and metrics as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.common.json_values import Shape, format_instant
from apps.workflows.models import MetricEntry
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.log_search import LogLine


class LogEntryShape(Shape):
    """One line; ``attemptNumber`` is always there, null for a line of no attempt."""

    namespace: str
    flow_id: str
    task_id: str | None = None
    execution_id: str | None = None
    task_run_id: str | None = None
    attempt_number: int | None
    trigger_id: str | None = None
    timestamp: datetime
    level: Level
    thread: str | None = None
    message: str


class LogPageShape(Shape):
    """A page of lines."""

    results: list[LogEntryShape]
    total: int


class MetricEntryShape(Shape):
    """A number that a task reported; a timer's is in milliseconds."""

    namespace: str
    flow_id: str
    task_id: str
    execution_id: str
    task_run_id: str
    type: str
    name: str
    value: float
    timestamp: datetime
    tags: dict[str, str] | None = None


class MetricPageShape(Shape):
    """A page of metrics."""

    results: list[MetricEntryShape]
    total: int


class MetricBucketShape(Shape):
    """The aggregated value of one stretch of time."""

    name: str
    date: datetime
    value: float


class MetricAggregationsShape(Shape):
    """A metric over time; ``groupBy`` is the unit of the stretches."""

    group_by: str
    aggregations: list[MetricBucketShape]


def log_json(line: LogLine) -> dict[str, Any]:
    """A line."""
    made: dict[str, Any] = {
        "namespace": line.namespace,
        "flowId": line.flow_id,
        "taskId": line.task_id,
        "executionId": line.execution_id,
        "taskRunId": line.task_run_id,
        "triggerId": line.trigger_id,
        "timestamp": format_instant(line.timestamp),
        "level": line.level.value,
        "message": line.message,
    }
    kept = {name: value for name, value in made.items() if value is not None}
    return kept | {"attemptNumber": line.attempt, "deleted": False}


def log_text(line: LogLine) -> str:
    """A line of a downloaded log."""
    return f"{format_instant(line.timestamp)} {line.level.value} {line.message}\n"


def metric_json(entry: MetricEntry, namespace: str, flow_id: str) -> dict[str, Any]:
    """A metric."""
    return {
        "namespace": namespace,
        "flowId": flow_id,
        "taskId": entry.task_id,
        "executionId": entry.execution_id,
        "taskRunId": entry.task_run_id,
        "type": entry.kind,
        "name": entry.name,
        "value": entry.value,
        "timestamp": format_instant(entry.ts),
        "tags": entry.tags,
        "deleted": False,
    }
