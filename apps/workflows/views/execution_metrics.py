"""Metrics that the tasks of an execution reported, as a table and a small chart per metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.common.access import access
from apps.common.htmx import is_fragment
from apps.common.pages import IN_VIEW
from apps.workflows.models import MetricEntry
from apps.workflows.selectors.metrics import execution_metrics
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution

PAGE: Final = 500
MOST_CHARTS: Final = 12
MOST_BARS: Final = 60
LOWEST: Final = 2.0
"""Percent that the lowest bar has, so that it is seen."""


@dataclass(frozen=True)
class MetricChart:
    """The last values of one metric of a task: (value, height in percent)."""

    task_id: str
    name: str
    kind: str
    bars: list[tuple[float, float]]
    total: float


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_metrics(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """Entries in the order they were reported, 500 from `offset` on, of the task `task` alone when it is given."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    task_id, text = request.GET.get("task", "").strip()[:255], request.GET.get("offset", "")
    offset = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    found = list(execution_metrics(execution_id, task_id=task_id or None)[offset : offset + PAGE + 1])
    context = {
        **live,
        **execution_context(request, execution, tab="metrics"),
        "entries": found[:PAGE],
        "following": offset + PAGE if len(found) > PAGE else None,
        "charts": draw_charts(found[:PAGE]),
        "task_id": task_id,
    }
    template = "workflows/executions/_metrics.html" if is_fragment(request) else "workflows/executions/metrics.html"
    return render(request, template, context)


def draw_charts(entries: list[MetricEntry]) -> list[MetricChart]:
    """One chart for each metric of a task, in the order of their first values."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for entry in entries:
        values.setdefault((entry.task_id, entry.name, entry.kind), []).append(entry.value)
    charts = []
    for (task_id, name, kind), numbers in list(values.items())[:MOST_CHARTS]:
        last = numbers[-MOST_BARS:]
        highest = max(max(last), 0) or 1
        bars = [(value, round(max(100 * max(value, 0) / highest, LOWEST), 2)) for value in last]
        charts.append(MetricChart(task_id, name, kind, bars, sum(numbers)))
    return charts
