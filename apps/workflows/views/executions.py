"""The list of executions: filters in the address, pages, rows that follow what happens."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.htmx import render_page
from apps.common.ids import is_id, to_uuid
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import ExecutionFilter, ExecutionPage, search_executions
from apps.workflows.selectors.flows import add_visible, list_namespaces, not_deleted
from apps.workflows.views.bulk import list_bulk_actions
from apps.workflows.views.execution_filter import SIZES, TIMES, ExecutionQuery, as_filter, read_query
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_flow

FACETS: Final = ("RUNNING", "QUEUED", "PAUSED", "SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED")
MOST_ROWS: Final = 100


@access("EXECUTION", "READ")
def list_executions(request: HttpRequest) -> HttpResponse:
    """All that the person may see, as the address narrows it. Up to four queries."""
    live = listen_from(request)
    query = read_query(request.GET, usual_size=_usual_size(request))
    visible = visible_namespaces(current_user(request), "EXECUTION")
    conditions = not_deleted()
    add_visible(conditions, visible)
    context = {
        **live,
        **_results(request, query, search(query, visible)),
        "namespaces": list_namespaces(conditions),
        "partly": visible is not None,
        "pinned": False,
        "may_execute": can(current_user(request), "EXECUTION", "CREATE"),
        "bulk_actions": list_bulk_actions(current_user(request)),
    }
    return render_page(
        request, "workflows/executions/list.html", context, fragment="workflows/executions/_results.html"
    )


@access("EXECUTION", "READ", namespace=IN_VIEW)
def list_flow_executions(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The same list with the flow pinned: a tab of its page."""
    live = listen_from(request)
    flow = readable_flow(request, namespace, flow_id)
    query = read_query(request.GET, pinned={"namespace": namespace, "flow": flow_id}, usual_size=_usual_size(request))
    visible = visible_namespaces(current_user(request), "EXECUTION")
    context = {
        **live,
        **flow_context(request, flow, tab="executions"),
        **_results(request, query, search(query, visible, exact=True)),
        "namespaces": [],
        "partly": False,
        "pinned": True,
        "may_execute": can(current_user(request), "EXECUTION", "CREATE", namespace),
        "bulk_actions": list_bulk_actions(current_user(request), namespace),
    }
    return render_page(
        request, "workflows/flows/executions.html", context, fragment="workflows/executions/_results.html"
    )


@access("EXECUTION", "READ")
def refresh_rows(request: HttpRequest) -> HttpResponse:
    """The rows of some executions (`ids`), for a list that is open; those the person may not see are left out."""
    user = current_user(request)
    ids = [execution_id for execution_id in request.GET.get("ids", "").split(",") if is_id(execution_id)][:MOST_ROWS]
    wanted = ExecutionFilter(rows=Conditions(["e.id = ANY(%s::uuid[])"], [[to_uuid(one) for one in ids]]))
    rows = search_executions(wanted, size=MOST_ROWS, with_total=False).rows if ids else []
    shown = [ExecutionView(row) for row in rows if can(user, "EXECUTION", "READ", row.namespace)]
    context = {
        "executions": shown,
        "query": read_query(request.GET, usual_size=_usual_size(request)),
        "pinned": request.GET.get("pinned") == "1",
        "bulk_actions": request.GET.get("pick") == "1",
    }
    return render(request, "workflows/executions/_rows.html", context)


def search(query: ExecutionQuery, visible: list[str] | None, *, exact: bool = False) -> ExecutionPage:
    """A page of the list."""
    return search_executions(
        as_filter(query, visible, exact=exact), size=query.size, offset=(query.page - 1) * query.size
    )


def _results(request: HttpRequest, query: ExecutionQuery, page: ExecutionPage) -> dict[str, Any]:
    first = (query.page - 1) * query.size + 1
    return {
        "query": query,
        "executions": [ExecutionView(row) for row in page.rows],
        "total": page.total,
        "exact": page.exact,
        "has_next": page.has_next,
        "first": first,
        "last": first + len(page.rows) - 1,
        "facets": FACETS,
        "times": TIMES,
        "sizes": SIZES,
        "path": request.path,
    }


def _usual_size(request: HttpRequest) -> str:
    size: str = current_user(request).preferences.get("pageSize", "")
    return size
