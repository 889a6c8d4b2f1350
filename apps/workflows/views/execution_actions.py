"""What can be done to an execution: kill and delete, each after a question."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalState
from apps.common.htmx import is_fragment, redirect
from apps.common.pages import IN_VIEW
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.services.executions import delete_execution, kill_execution
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_kill(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution is killed."""
    return _ask(request, readable_execution(request, namespace, flow_id, execution_id, action="UPDATE"), "kill")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def kill(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Kills it and shows its page; one that has ended meanwhile is left as it is, and that is told."""
    readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    try:
        kill_execution(acting_user=current_user(request), execution_id=execution_id)
        messages.success(request, "The execution is being killed.")
    except IllegalState as error:
        messages.warning(request, error.message)
    where = {"tenant": require_tenant(), "namespace": namespace, "flow_id": flow_id, "execution_id": execution_id}
    return redirect(request, reverse("ui:execution", kwargs=where))


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_delete(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution is deleted."""
    return _ask(request, readable_execution(request, namespace, flow_id, execution_id, action="DELETE"), "delete")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def delete(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Deletes it with the logs, metrics and files that were ticked, and shows the list."""
    readable_execution(request, namespace, flow_id, execution_id, action="DELETE")
    delete_execution(
        acting_user=current_user(request),
        execution_id=execution_id,
        **{part: part in request.POST for part in ("logs", "metrics", "storage")},
    )
    messages.success(request, f"Execution {execution_id[:8]} deleted.")
    return redirect(request, reverse("ui:executions", kwargs={"tenant": require_tenant()}))


def _ask(request: HttpRequest, row: ExecutionRow, what: str) -> HttpResponse:
    template = f"workflows/executions/{'_' if is_fragment(request) else ''}{what}.html"
    return render(request, template, listen_from(request) | execution_context(request, ExecutionView(row), tab=""))
