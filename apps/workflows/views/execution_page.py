"""The tabs of an execution's page, and the parts of them that are fetched again while it runs."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import NotFound
from apps.common.htmx import is_fragment
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.flows import find_flow
from apps.workflows.selectors.logs import LogView, list_error_logs
from apps.workflows.views.execution_offers import ExecutionRights, list_offers
from apps.workflows.views.execution_relatives import find_children, find_readable
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.gantt import draw_tree
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution
from apps.workflows.views.stored_values import show_outputs_of
from apps.workflows.views.value_tree import value_tree

TABS: Final = (
    ("overview", "Overview", "execution"),
    ("gantt", "Gantt", "execution_gantt"),
    ("logs", "Logs", "execution_logs"),
    ("outputs", "Outputs", "execution_outputs"),
    ("metrics", "Metrics", "execution_metrics"),
    ("dependencies", "Dependencies", "execution_dependencies"),
)


MOST_OPEN: Final = 5
"""Loops whose task runs are shown at once."""


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_execution(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """Facts, history of states, inputs, outputs, labels. With `part=header` only the head, for a live page."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    context = live | execution_context(request, execution, tab=request.GET.get("tab", "overview"))
    if request.GET.get("part") == "header":
        return render(request, "workflows/executions/_header.html", context)
    context |= {
        "relatives": find_readable(request, execution.row),
        "inputs": value_tree(execution.row.inputs or {}),
        "outputs": show_outputs_of(execution_id, execution.row.outputs),
        "variables": value_tree((execution.row.trigger or {}).get("variables") or {}),
    }
    template = "workflows/executions/_overview.html" if is_fragment(request) else "workflows/executions/overview.html"
    return render(request, template, context)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_gantt(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """Task runs over time. `open` names frames to open; `parent` and `after` give further rows of one."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    parent, after = request.GET.get("parent") or None, request.GET.get("after", "0")
    if (parent is not None and not is_id(parent)) or not after.isdecimal():
        raise NotFound("There is no such task run.")
    opened = [run_id for run_id in request.GET.get("open", "").split(",") if is_id(run_id)][:MOST_OPEN]
    depth = request.GET.get("depth", "0")
    drawing = draw_tree(
        execution,
        parent_id=parent,
        after=int(after),
        depth=min(int(depth), 20) if depth.isdecimal() else 0,
        opened=frozenset(opened),
    )
    started = find_children(request, execution.row, [row.run for row in drawing.rows])
    context = {
        **live,
        **execution_context(request, execution, tab="gantt"),
        "drawing": drawing,
        "opened": opened,
        "started": started,
    }
    if parent is not None or int(after):
        template = (
            "workflows/executions/_gantt_rows.html" if is_fragment(request) else "workflows/executions/gantt.html"
        )
    else:
        template = "workflows/executions/_gantt.html" if is_fragment(request) else "workflows/executions/gantt.html"
    return render(request, template, context)


def execution_context(request: HttpRequest, execution: ExecutionView, *, tab: str) -> dict[str, Any]:
    """For templates that extend workflows/executions/execution.html. At most two queries: the flow, the first error."""
    user, row = current_user(request), execution.row
    rights = ExecutionRights(
        execute=can(user, "EXECUTION", "CREATE", row.namespace),
        update=can(user, "EXECUTION", "UPDATE", row.namespace),
        delete=can(user, "EXECUTION", "DELETE", row.namespace),
        see_flow=can(user, "FLOW", "READ", row.namespace),
    )
    flow = find_flow(row.namespace, row.flow_id)
    failed = row.state in {State.FAILED, State.WARNING, State.KILLED}
    error: LogView | None = next(iter(list_error_logs(row.id, limit=1)), None) if failed else None
    return {
        "execution": execution,
        "rights": rights,
        "offers": list_offers(State(row.state), rights, flow),
        "flow": flow,
        "error": error,
        "failed": row.state == State.FAILED,
        "tab": tab,
        "tabs": TABS,
        "route": execution.route,
        "mark": {"SUCCESS": "✓", "FAILED": "✗", "RUNNING": "●"}.get(row.state, "·"),
    }
