"""What is done to an execution after a mere question: pause, force run, unqueue, kill, delete."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalState
from apps.common.htmx import redirect
from apps.common.pages import IN_VIEW
from apps.workflows.services.bulk_executions import kill_children
from apps.workflows.services.execution_changes import force_run, unqueue_execution
from apps.workflows.services.executions import delete_execution, kill_execution
from apps.workflows.services.pausing import pause_execution
from apps.workflows.views.execution_dialog import ask, do, go_to
from apps.workflows.views.lookups import readable_execution


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_pause(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution is held."""
    return ask(request, readable_execution(request, namespace, flow_id, execution_id, action="UPDATE"), "pause")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def pause(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Holds it: what runs goes on to its end, nothing new starts."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    return do(
        request,
        row,
        lambda: pause_execution(acting_user=current_user(request), execution_id=execution_id),
        "The execution is paused. Tasks that run now go on to their end.",
    )


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_force_run(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution no longer waits, with what that means in its state."""
    return ask(request, readable_execution(request, namespace, flow_id, execution_id, action="UPDATE"), "force-run")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def run_by_force(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Lets it run, whatever it waits for."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    return do(
        request,
        row,
        lambda: force_run(acting_user=current_user(request), execution_id=execution_id),
        "The execution waits no longer.",
    )


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_unqueue(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before a queued execution runs beside those that fill the flow's limit."""
    return ask(request, readable_execution(request, namespace, flow_id, execution_id, action="UPDATE"), "unqueue")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def unqueue(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Lets it run without a place of the flow's limit."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    return do(
        request,
        row,
        lambda: unqueue_execution(acting_user=current_user(request), execution_id=execution_id),
        "The execution left the queue.",
    )


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_kill(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution is killed, alone or with what it started."""
    return ask(request, readable_execution(request, namespace, flow_id, execution_id, action="UPDATE"), "kill")


@access("EXECUTION", "READ", namespace=IN_VIEW)
def kill(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponseBase:
    """Kills it (`subflows=no`: not what it started) and shows its page; one that has ended meanwhile is left."""
    row = readable_execution(request, namespace, flow_id, execution_id, action="UPDATE")
    user = current_user(request)
    cascade = request.POST.get("subflows") != "no"
    try:
        kill_execution(acting_user=user, execution_id=execution_id, cascade=cascade)
    except IllegalState as error:
        messages.warning(request, error.message)
        return go_to(request, row)
    if cascade:
        kill_children(
            acting_user=user, parent_ids=[execution_id]
        )  # also what a trigger started, which nobody waits for
    messages.success(request, "The execution is being killed.")
    return go_to(request, row)


@access("EXECUTION", "READ", namespace=IN_VIEW)
def ask_delete(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The question before an execution is deleted."""
    return ask(request, readable_execution(request, namespace, flow_id, execution_id, action="DELETE"), "delete")


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
