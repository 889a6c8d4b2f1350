"""The list of executions: filters in the address, pages, counts, rows that follow what happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.ids import is_id, to_uuid
from apps.common.pages import IN_VIEW
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import ExecutionFilter, search_executions
from apps.workflows.selectors.facets import count_states
from apps.workflows.selectors.filter_keys import EXECUTION_KEYS
from apps.workflows.views.bulk import list_bulk_actions
from apps.workflows.views.execution_lists import COLUMNS, SORTS, filter_of, find_page
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.listing import Listing, answer_list, read_listing
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_flow

FACETS: Final = ("RUNNING", "QUEUED", "PAUSED", "SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED")
MOST_ROWS: Final = 100


@access("EXECUTION", "READ")
def list_executions(request: HttpRequest) -> HttpResponse:
    """All that the person may see, as the address narrows it. Up to four queries; `part=facets` counts states."""
    live = listen_from(request)
    user = current_user(request)
    listing = read_listing(request, EXECUTION_KEYS, COLUMNS)
    visible = visible_namespaces(user, "EXECUTION")
    if request.GET.get("part") == "facets":
        return _facets(request, listing, visible)
    context = {
        **live,
        **results(user, listing, visible),
        "partly": visible is not None,
        "may_execute": can(user, "EXECUTION", "CREATE"),
        "bulk_actions": list_bulk_actions(user),
    }
    return answer_list(
        request, listing, "workflows/executions/list.html", context, fragment="workflows/executions/_results.html"
    )


@access("EXECUTION", "READ", namespace=IN_VIEW)
def list_flow_executions(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The same list with the flow pinned: a tab of its page."""
    live = listen_from(request)
    user = current_user(request)
    flow = readable_flow(request, namespace, flow_id)
    pinned = (Criterion("namespace", Op.IN, (namespace,)), Criterion("flow", Op.IN, (flow_id,)))
    columns = [column for column in COLUMNS if column.name not in {"namespace", "flow"}]
    listing = read_listing(request, EXECUTION_KEYS, columns, pinned=pinned)
    visible = visible_namespaces(user, "EXECUTION")
    if request.GET.get("part") == "facets":
        return _facets(request, listing, visible)
    context = {
        **live,
        **flow_context(request, flow, tab="executions"),
        **results(user, listing, visible),
        "partly": False,
        "may_execute": can(user, "EXECUTION", "CREATE", namespace),
        "bulk_actions": list_bulk_actions(user, namespace),
    }
    return answer_list(
        request, listing, "workflows/flows/executions.html", context, fragment="workflows/executions/_results.html"
    )


@access("EXECUTION", "READ")
def refresh_rows(request: HttpRequest) -> HttpResponse:
    """The rows of some executions (`ids`), for a list that is open; those the person may not see are left out."""
    user = current_user(request)
    ids = [execution_id for execution_id in request.GET.get("ids", "").split(",") if is_id(execution_id)][:MOST_ROWS]
    wanted = ExecutionFilter(rows=Conditions(["e.id = ANY(%s::uuid[])"], [[to_uuid(one) for one in ids]]))
    rows = search_executions(wanted, size=MOST_ROWS, with_total=False).rows if ids else []
    shown = [ExecutionView(row) for row in rows if can(user, "EXECUTION", "READ", row.namespace)]
    pinned = request.GET.get("pinned") == "1"
    columns = [column for column in COLUMNS if not pinned or column.name not in {"namespace", "flow"}]
    context = {
        "executions": shown,
        "listing": replace(read_listing(request, EXECUTION_KEYS, columns), path=_own_path(request.GET.get("at", ""))),
        "pinned": pinned,
        "bulk_actions": request.GET.get("pick") == "1",
    }
    # a short table of another page names no list to go back to
    rows_of = "_list_rows" if "at" in request.GET else "_rows"
    return render(request, f"workflows/executions/{rows_of}.html", context)


def results(user: User, listing: Listing, visible: list[str] | None) -> dict[str, Any]:
    """What `_results.html` shows."""
    found = find_page(listing, visible)
    named = frozenset(one.key or "" for one in listing.criteria if one.field == "labels")
    return {
        "found": found,
        "executions": [ExecutionView(row, named) for row in found.page.rows],
        "total": found.page.total,
        "exact": found.page.exact,
        "pinned": bool(listing.pinned),
        "facets": [(state, None) for state in FACETS],
        "sorts": SORTS,
    }


def _own_path(path: str) -> str:
    """The list the rows belong to: a page of this tenant."""
    home = reverse("ui:executions", kwargs={"tenant": require_tenant()})
    return path if path.startswith(home.removesuffix("executions")) and path.isprintable() else home


def _facets(request: HttpRequest, listing: Listing, visible: list[str] | None) -> HttpResponse:
    """The states with how many executions have each, in what else the list asks for."""
    try:
        counts = count_states(filter_of(listing.narrowed(without="state"), visible))
    except BadFilter:
        counts = {}
    others = [state for state in counts if state not in FACETS]
    facets = [(state, counts.get(state, 0) if counts else None) for state in (*FACETS, *others)]
    return render(request, "workflows/executions/_facets.html", {"listing": listing, "facets": facets})
