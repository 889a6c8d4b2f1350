"""A question about an execution, as a dialog or a page of its own; and the way back to the execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, IllegalArgument, IllegalState, Invalid
from apps.common.htmx import is_fragment, redirect
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from


def ask(
    request: HttpRequest, row: ExecutionRow, what: str, more: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """Shows workflows/executions/_<what>.html: alone where htmx asks, on the execution's page otherwise."""
    dialog = f"workflows/executions/_{what}.html"
    context = {
        **listen_from(request),
        **execution_context(request, ExecutionView(row), tab=""),
        "dialog": dialog,
        "refusal": "",
        "problem_count": 0,
        "lost_files": False,
        "answers_here": False,
        **(more or {}),
    }
    return render(
        request, dialog if is_fragment(request) else "workflows/executions/dialog.html", context, status=status
    )


def go_to(request: HttpRequest, row: ExecutionRow, *, execution_id: str = "") -> HttpResponseBase:
    """Shows the execution's page, or that of another execution of its flow."""
    where = {"namespace": row.namespace, "flow_id": row.flow_id, "execution_id": execution_id or row.id}
    return redirect(request, reverse("ui:execution", kwargs={"tenant": require_tenant(), **where}))


def do(request: HttpRequest, row: ExecutionRow, act: Callable[[], object], told: str) -> HttpResponseBase:
    """Acts and shows the execution. What cannot be done any more changes nothing, and is told there."""
    try:
        act()
        messages.success(request, told)
    except (IllegalState, IllegalArgument, BadRequest, Invalid) as error:
        messages.warning(request, error.message)
    return go_to(request, row)
