"""Metrics of executions: pages of entries, names, and sums over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from apps.workflows.models import MetricEntry

AGGREGATIONS: Final = {"sum": "sum(value)", "avg": "avg(value)", "min": "min(value)", "max": "max(value)"}
NAMES: Final = 1000
"""Most names in one answer."""


@dataclass(frozen=True, slots=True)
class MetricBucket:
    """The aggregated value of one stretch of time."""

    date: datetime
    value: float


def execution_metrics(
    execution_id: str, *, task_run_id: str | None = None, task_id: str | None = None
) -> QuerySet[MetricEntry]:
    """Metrics of an execution in the order they were reported."""
    found = MetricEntry.objects.filter(execution_id=execution_id).order_by("id")
    if task_run_id is not None:
        found = found.filter(task_run_id=task_run_id)
    if task_id is not None:
        found = found.filter(task_id=task_id)
    return found


def metric_names(flow_ref: int, *, task_id: str | None = None) -> list[str]:
    """Names of the metrics a flow, or one task of it, has reported."""
    found = MetricEntry.objects.filter(flow_ref=flow_ref)
    if task_id is not None:
        found = found.filter(task_id=task_id)
    return list(found.order_by("name").values_list("name", flat=True).distinct()[:NAMES])


def tasks_with_metrics(flow_ref: int) -> list[str]:
    """Ids of the tasks of a flow that have reported metrics."""
    found = MetricEntry.objects.filter(flow_ref=flow_ref)
    return list(found.order_by("task_id").values_list("task_id", flat=True).distinct()[:NAMES])


def aggregate_metric(
    flow_ref: int, metric: str, *, start: datetime, end: datetime, aggregation: str, task_id: str | None = None
) -> tuple[str, list[MetricBucket]]:
    """(unit, a value for each unit of time in which there was one); ``aggregation`` is a key of AGGREGATIONS.

    The unit is an hour, day, week or month, by the length of the range.
    """
    unit = _unit(end - start)
    conditions = "flow_ref = %s AND name = %s AND ts >= %s AND ts < %s"
    values: list[Any] = [flow_ref, metric, start, end]
    if task_id is not None:
        conditions += " AND task_id = %s"
        values.append(task_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT date_trunc('{unit}', ts) AS bucket, {AGGREGATIONS[aggregation]} FROM metric"  # noqa: S608
            f" WHERE {conditions} GROUP BY bucket ORDER BY bucket",
            values,
        )
        return unit, [MetricBucket(*row) for row in _rows(cursor.fetchall())]


def _rows(rows: Sequence[Any]) -> Sequence[Any]:
    return [(moment, float(value)) for moment, value in rows]


def _unit(span: timedelta) -> str:
    if span <= timedelta(days=2):
        return "hour"
    if span <= timedelta(days=60):
        return "day"
    return "week" if span <= timedelta(days=365) else "month"
