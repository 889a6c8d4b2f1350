"""Triggers on pages: all that a person may see, those of a flow, why one did or did not start it, and its switches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, IllegalArgument, IllegalState, NotFound
from apps.common.htmx import is_fragment, redirect
from apps.common.pages import IN_VIEW
from apps.common.search_filters import BadFilter
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.models import TriggerState
from apps.workflows.selectors.filter_keys import TRIGGER_KEYS
from apps.workflows.selectors.log_search import LogFilter, search_logs
from apps.workflows.selectors.triggers import (
    find_trigger,
    last_evaluations,
    page_of_triggers,
    triggers_meeting,
    waited_for,
)
from apps.workflows.services.backfills import delete_backfill, pause_backfill
from apps.workflows.services.trigger_starts import written_triggers
from apps.workflows.services.triggers import delete_trigger, restart_trigger, switch_trigger, unlock_trigger
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.listing import answer_list, read_listing
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import check_readable, readable_flow
from apps.workflows.views.trigger_view import EvaluationView, TriggerView

MOST_OF_FLOW: Final = 200
LINES: Final = 50
KINDS: Final = (
    ("TIME", "Dates"),
    ("FLOW", "Other flows"),
    ("WEBHOOK", "Calls"),
    ("POLL", "Looks"),
    ("STREAM", "Listens"),
)
STANDS: Final = (
    ("enabled", "YES", "Switched on"),
    ("enabled", "NO", "Switched off"),
    ("locked", "YES", "Locked"),
    ("backfill", "RUNNING", "With a backfill"),
    ("late", "YES", "Late"),
)
"""One click each: key, value, words."""


@access("FLOW", "READ")
def list_triggers(request: HttpRequest) -> HttpResponse:
    """All triggers the person may read, by what the address says. Four queries."""
    live, user = listen_from(request), current_user(request)
    visible = visible_namespaces(user, "FLOW")
    listing = read_listing(request, TRIGGER_KEYS, ())
    problem = ""
    try:
        where = triggers_meeting(listing.api_criteria(), visible)
    except BadFilter as error:
        where, problem = Q(pk__in=[]), str(error)
    offset = (listing.page - 1) * listing.size
    rows, total = page_of_triggers(where, order=(), offset=offset, size=listing.size)
    context = {
        **live,
        "triggers": views_of(user, rows),
        "total": total,
        "first": offset + 1,
        "newer": listing.address(page=listing.page - 1 if listing.page > 2 else "") if listing.page > 1 else "",
        "older": listing.address(page=listing.page + 1) if offset + len(rows) < total else "",
        "problem": problem,
        "kinds": KINDS,
        "stands": STANDS,
        "partly": visible is not None,
        "of_flow": False,
    }
    return answer_list(
        request, listing, "workflows/triggers/list.html", context, fragment="workflows/triggers/_results.html"
    )


@access("FLOW", "READ", namespace=IN_VIEW)
def list_flow_triggers(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The triggers of a flow: a tab of its page."""
    live, user = listen_from(request), current_user(request)
    flow = readable_flow(request, namespace, flow_id)
    rows, total = page_of_triggers(Q(namespace=namespace, flow_id=flow_id), order=(), size=MOST_OF_FLOW)
    context = {
        **live,
        **flow_context(request, flow, tab="triggers"),
        "triggers": views_of(user, rows),
        "total": total,
        "of_flow": True,
    }
    template = "workflows/triggers/_rows.html" if is_fragment(request) else "workflows/flows/triggers.html"
    return render(request, template, context)


@access("FLOW", "READ", namespace=IN_VIEW)
def show_why(request: HttpRequest, namespace: str, flow_id: str, trigger_id: str) -> HttpResponse:
    """Why it did or did not start the flow: its last evaluations, every condition with its value, and its log."""
    flow, row = readable_flow(request, namespace, flow_id), readable_trigger(request, namespace, flow_id, trigger_id)
    user = current_user(request)
    sees = can(user, "EXECUTION", "READ", namespace)
    lines = []
    if sees:
        wanted = LogFilter(flow_refs=[row.flow_ref], trigger_id=trigger_id)
        lines = search_logs(wanted, size=LINES, offset=0)[0]
    context = {
        **flow_context(request, flow, tab="triggers"),
        "trigger": views_of(user, [row])[0],
        "evaluations": [EvaluationView(held) for held in last_evaluations(row)],
        "lines": lines,
        "sees_logs": sees,
    }
    template = "workflows/triggers/_why.html" if is_fragment(request) else "workflows/triggers/why.html"
    return render(request, template, context)


@access("FLOW", "READ", namespace=IN_VIEW)
def act(request: HttpRequest, namespace: str, flow_id: str, trigger_id: str) -> HttpResponseBase:
    """Does what the field `do` says, and goes back to where it was asked."""
    readable_trigger(request, namespace, flow_id, trigger_id)  # first of all: who may not know of it learns nothing
    word = request.POST.get("do", "")
    if word not in ACTIONS:
        raise BadRequest(f"'do' must be one of {', '.join(ACTIONS)}, not '{word[:40]}'.")
    action, deed, told = ACTIONS[word]
    missing = f"There is no trigger {namespace}.{flow_id}.{trigger_id}."
    user = current_user(request)
    check_readable(user, "EXECUTION", namespace, missing, action)
    try:
        deed(acting_user=user, namespace=namespace, flow_id=flow_id, trigger_id=trigger_id)
    except (IllegalState, IllegalArgument) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{trigger_id}: {told}.")
    return redirect(request, _back(request, namespace, flow_id))


def _pause(**name: Any) -> TriggerState:
    return pause_backfill(**name, paused=True)


def _unpause(**name: Any) -> TriggerState:
    return pause_backfill(**name, paused=False)


def _enable(**name: Any) -> TriggerState:
    return switch_trigger(**name, disabled=False)


def _disable(**name: Any) -> TriggerState:
    return switch_trigger(**name, disabled=True)


ACTIONS: Final[Mapping[str, tuple[str, Callable[..., TriggerState], str]]] = {
    "enable": ("UPDATE", _enable, "switched on; its dates begin from now"),
    "disable": ("UPDATE", _disable, "switched off"),
    "unlock": ("UPDATE", unlock_trigger, "unlocked; two executions may run at once now"),
    "restart": ("UPDATE", restart_trigger, "restarted; its dates begin from now"),
    "pause": ("UPDATE", _pause, "the backfill is paused; the schedule goes on meanwhile"),
    "unpause": ("UPDATE", _unpause, "the backfill goes on"),
    "end": ("UPDATE", delete_backfill, "the backfill has ended; its executions stay"),
    "delete": ("DELETE", delete_trigger, "forgotten where it stood"),
}


def readable_trigger(request: HttpRequest, namespace: str, flow_id: str, trigger_id: str) -> TriggerState:
    """The trigger, if the person may read its flow. NotFound."""
    missing = f"There is no trigger {namespace}.{flow_id}.{trigger_id}."
    check_readable(current_user(request), "FLOW", namespace, missing)
    row = find_trigger(namespace, flow_id, trigger_id)
    if row is None:
        raise NotFound(missing)
    return row


def triggers_url(namespace: str, flow_id: str) -> str:
    """The tab of the flow's page."""
    return reverse("ui:flow_triggers", kwargs={"tenant": require_tenant(), "namespace": namespace, "flow_id": flow_id})


def views_of(user: User, rows: Sequence[TriggerState]) -> list[TriggerView]:
    """Rows as pages show them. Two queries, whatever their number."""
    written, states = written_triggers(rows), waited_for(rows)
    return [
        TriggerView(
            row,
            written[row.pk].to_json() if row.pk in written else None,
            may_update=can(user, "EXECUTION", "UPDATE", row.namespace),
            may_backfill=can(user, "EXECUTION", "UPDATE", row.namespace)
            and can(user, "EXECUTION", "CREATE", row.namespace),
            may_delete=can(user, "EXECUTION", "DELETE", row.namespace),
            execution_state=states.get(row.execution_id or "", "")
            if can(user, "EXECUTION", "READ", row.namespace)
            else "",
        )
        for row in rows
    ]


def _back(request: HttpRequest, namespace: str, flow_id: str) -> str:
    if request.POST.get("back") == "all":
        return reverse("ui:triggers", kwargs={"tenant": require_tenant()})
    return triggers_url(namespace, flow_id)
