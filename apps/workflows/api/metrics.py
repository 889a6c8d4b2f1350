"""Metrics: of one execution, and of a flow over time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_instant
from apps.common.clock import now as read_clock
from apps.common.errors import IllegalArgument, NotFound
from apps.common.ids import to_uuid
from apps.common.pagination import Page
from apps.workflows.api.describe import SORTED_PAGE, describe, moment, text
from apps.workflows.api.reading import get_head, read_page_asked
from apps.workflows.schemas.logs import MetricAggregationsShape, MetricPageShape, metric_json
from apps.workflows.selectors.flows import FlowRow, find_flow
from apps.workflows.selectors.metrics import (
    AGGREGATIONS,
    aggregate_metric,
    execution_metrics,
    metric_names,
    tasks_with_metrics,
)

SORTABLE: Final = {"name": "name", "taskId": "task_id", "timestamp": "ts", "value": "value", "type": "kind"}
DEFAULT_SPAN: Final = timedelta(days=30)
AGGREGATION_QUERY: Final = (
    moment("startDate"),
    moment("endDate"),
    text("aggregation", "sum, avg, min or max; sum when not given."),
)


@describe(MetricPageShape, query=(text("taskRunId"), text("taskId"), *SORTED_PAGE), tag="Metrics")
@access("EXECUTION", "READ")
def read_execution_metrics(request: Request, execution_id: str) -> Page[dict[str, Any]]:
    """Metrics of an execution, a page at a time."""
    head = get_head(request, execution_id)
    query = request.query_params
    asked = read_page_asked(query, sortable=SORTABLE)
    run_id = query.get("taskRunId") or None
    if run_id is not None:
        to_uuid(run_id)
    found = execution_metrics(execution_id, task_run_id=run_id, task_id=query.get("taskId") or None)
    if asked.order:
        found = found.order_by(*asked.order, "id")
    rows = found[asked.offset : asked.offset + asked.size]
    return Page([metric_json(entry, head.namespace, head.flow_id) for entry in rows], found.count())


@describe(list[str], tag="Metrics")
@access("EXECUTION", "READ")
def read_names(request: Request, namespace: str, flow_id: str, task_id: str | None = None) -> list[str]:
    """Names of the metrics that a flow, or one of its tasks, has reported."""
    return metric_names(_flow(namespace, flow_id).flow_ref, task_id=task_id)


@describe(list[str], tag="Metrics")
@access("EXECUTION", "READ")
def read_tasks(request: Request, namespace: str, flow_id: str) -> list[str]:
    """Tasks of a flow that have reported metrics."""
    return tasks_with_metrics(_flow(namespace, flow_id).flow_ref)


@describe(MetricAggregationsShape, query=AGGREGATION_QUERY, tag="Metrics")
@access("EXECUTION", "READ")
def aggregate(
    request: Request, namespace: str, flow_id: str, metric: str, task_id: str | None = None
) -> dict[str, Any]:
    """A metric of a flow over time: the last 30 days when no dates are given."""
    query = request.query_params
    word = (query.get("aggregation") or "sum").lower()
    if word not in AGGREGATIONS:
        raise IllegalArgument(f"'aggregation' must be one of {', '.join(AGGREGATIONS)}, not '{word[:20]}'.")
    end = query_instant(query, "endDate") or read_clock()
    start = query_instant(query, "startDate") or end - DEFAULT_SPAN
    unit, buckets = aggregate_metric(
        _flow(namespace, flow_id).flow_ref, metric, start=start, end=end, aggregation=word, task_id=task_id
    )
    return {
        "groupBy": unit,
        "aggregations": [{"name": metric, "date": bucket.date, "value": bucket.value} for bucket in buckets],
    }


def _flow(namespace: str, flow_id: str) -> FlowRow:
    found = find_flow(namespace, flow_id, allow_deleted=True)
    if found is None:
        raise NotFound(f"Flow {namespace}.{flow_id} not found")
    return found
