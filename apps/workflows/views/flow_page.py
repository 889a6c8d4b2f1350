"""The tabs of a flow's page that are read, and what can be done to the flow as a whole."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, NotFound
from apps.common.htmx import is_fragment
from apps.common.htmx import redirect as htmx_redirect
from apps.common.pages import IN_VIEW
from apps.rbac.selectors import users_by_id
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.models import FlowRevision
from apps.workflows.selectors.execution_search import ExecutionFilter, search_executions
from apps.workflows.selectors.flows import list_revisions
from apps.workflows.services.definitions import load_flow
from apps.workflows.services.flows import all_tasks, delete_flow, set_flow_disabled, update_flow
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_flow
from apps.workflows.views.source_diff import diff_lines

LAST: Final = 10


@access("FLOW", "READ", namespace=IN_VIEW)
def show_flow(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """What the flow is: description, inputs, tasks, triggers, and its last executions."""
    live = listen_from(request)
    flow = readable_flow(request, namespace, flow_id)
    context = live | flow_context(request, flow, tab="overview")
    executions = []
    if context["rights"].see_executions:
        found = search_executions(ExecutionFilter(flow_refs=[flow.flow_ref]), size=LAST, with_total=False)
        executions = [ExecutionView(row) for row in found.rows]
    try:
        definition = load_flow(flow.flow_ref, flow.revision).definition
        parts = {"definition": definition, "tasks": all_tasks(definition), "broken": ""}
    except InvalidFlow as error:
        parts = {"definition": None, "tasks": [], "broken": error.message}
    return render(request, "workflows/flows/overview.html", {**context, **parts, "executions": executions})


@access("FLOW", "READ", namespace=IN_VIEW)
def show_revisions(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """All revisions, newest first, and what differs between two (`left`, `right`; the last two without them)."""
    flow = readable_flow(request, namespace, flow_id)
    revisions = list_revisions(namespace, flow_id)[::-1]
    by_number = {one.revision: one for one in revisions}
    right = _number(request, "right", flow.revision)
    left = _number(request, "left", max((number for number in by_number if number < right), default=right))
    if left not in by_number or right not in by_number:
        raise NotFound(f"Flow {namespace}.{flow_id} has no revision {left if left not in by_number else right}.")
    authors = dict(FlowRevision.objects.filter(flow_id=flow.flow_ref).values_list("revision", "author_id"))
    people = users_by_id(author for author in authors.values() if author)
    context = {
        **flow_context(request, flow, tab="revisions"),
        "revisions": revisions,
        "authors": {number: people[author].full_name if author in people else "" for number, author in authors.items()},
        "left": left,
        "right": right,
        "diff": diff_lines(by_number[left].source, by_number[right].source),
        "right_deleted": by_number[right].deleted,
    }
    return render(request, "workflows/flows/revisions.html", context)


@access("FLOW", "READ", namespace=IN_VIEW)
def restore_revision(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponseBase:
    """Saves the source of an old revision as the next one."""
    readable_flow(request, namespace, flow_id, action="UPDATE")
    old = readable_flow(request, namespace, flow_id, revision=_number(request, "revision", 0))
    saved = update_flow(acting_user=current_user(request), namespace=namespace, flow_id=flow_id, source=old.source)
    messages.success(request, f"Revision {old.revision} is back, as revision {saved.flow.revision}.")
    return redirect(_url("ui:flow_revisions", namespace, flow_id))


@access("FLOW", "READ", namespace=IN_VIEW)
def switch_flow(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponseBase:
    """Enables or disables the flow (`disabled` true or false)."""
    readable_flow(request, namespace, flow_id, action="UPDATE")
    disabled = request.POST.get("disabled") == "true"
    set_flow_disabled(acting_user=current_user(request), namespace=namespace, flow_id=flow_id, disabled=disabled)
    messages.success(request, f"Flow {flow_id} {'disabled: it starts no more executions' if disabled else 'enabled'}.")
    return redirect(_url("ui:flow", namespace, flow_id))


@access("FLOW", "READ", namespace=IN_VIEW)
def ask_delete(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The question before a flow is deleted: in a dialog, or as a page."""
    flow = readable_flow(request, namespace, flow_id, action="DELETE")
    template = "workflows/flows/_delete.html" if is_fragment(request) else "workflows/flows/delete.html"
    return render(request, template, flow_context(request, flow, tab=""))


@access("FLOW", "READ", namespace=IN_VIEW)
def remove_flow(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponseBase:
    """Deletes the flow; its executions stay."""
    readable_flow(request, namespace, flow_id, action="DELETE")
    delete_flow(acting_user=current_user(request), namespace=namespace, flow_id=flow_id)
    messages.success(request, f"Flow {flow_id} deleted. Its executions and revisions are kept.")
    return htmx_redirect(request, reverse("ui:flows", kwargs={"tenant": require_tenant()}))


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = (request.POST if request.method == "POST" else request.GET).get(name)
    if not text:
        return default
    if not text.isdecimal():
        raise BadRequest(f"'{name}' must be the number of a revision, not '{text[:40]}'.")
    return int(text)


def _url(name: str, namespace: str, flow_id: str) -> str:
    return reverse(name, kwargs={"tenant": require_tenant(), "namespace": namespace, "flow_id": flow_id})
