"""The home page of a tenant, and the way to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import member, public, signed_in
from apps.common.clock import now
from apps.common.display import local, zone_name
from apps.common.errors import Forbidden, NotFound
from apps.common.htmx import render_page
from apps.console.selectors.tenants import tenants_of
from apps.console.views.bars import ORDER, Segment, round_up, success_ratio
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.selectors.activity import count_by_hour, count_open, has_flows
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import ExecutionFilter, search_executions
from apps.workflows.selectors.flows import add_visible, list_flow_refs
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from

HOURS: Final = 24
LAST: Final = 10


@dataclass(frozen=True)
class HourBar:
    """The executions that started within an hour."""

    hour: datetime
    segments: list[Segment]

    @property
    def summary(self) -> str:
        counted = ", ".join(f"{one.count} {one.state.lower()}" for one in self.segments) or "none"
        return f"{local(self.hour):%H:%M} {zone_name()}: {counted}"


@public
def to_start(request: HttpRequest) -> HttpResponseBase:
    """From / and /ui to /ui/, which asks who it is."""
    return redirect("start")


@signed_in
def to_home(request: HttpRequest) -> HttpResponseBase:
    """From /ui/ to the tenant the person works in: the default one if he may enter it, else his first."""
    tenants = [tenant.pk for tenant in tenants_of(current_user(request))]
    if not tenants:
        raise Forbidden("You have no access to any tenant yet. Ask an administrator to add you to one.")
    chosen = current_user(request).preferences.get("defaultTenant") or settings.KESTRA_DEFAULT_TENANT
    return redirect(reverse("ui:home", kwargs={"tenant": chosen if chosen in tenants else tenants[0]}))


@member
def to_tenant_home(request: HttpRequest, tenant: str) -> HttpResponseBase:
    """From /ui/<tenant> to its home: the address as people type it."""
    return redirect(reverse("ui:home", kwargs={"tenant": tenant}))


@member
def nothing_here(request: HttpRequest, rest: str) -> HttpResponseBase:
    """Any other address of a tenant. A route of its own, so that the answer is made where the tenant is open."""
    raise NotFound(f"There is nothing at {request.path}.")


@member
def show_home(request: HttpRequest) -> HttpResponse:
    """What ran in the last day and what runs now, where the person may see executions. At most five queries."""
    live, user = listen_from(request), current_user(request)
    visible = visible_namespaces(user, "EXECUTION")
    may_see = visible is None or bool(visible)
    since = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    refs = None
    if visible:
        conditions = Conditions()
        add_visible(conditions, visible)
        refs = list_flow_refs(conditions)
    counted = count_by_hour(since, refs) if may_see else []
    open_now = count_open(refs) if may_see else {}
    last = search_executions(ExecutionFilter(flow_refs=refs), size=LAST, with_total=False).rows if may_see else []
    totals = Counter[str]()
    for _, state, count in counted:
        totals[state] += count
    bars, highest = hour_bars(counted, since)
    context = {
        **live,
        "may_see": may_see,
        "empty": not last,
        "flows": last or has_flows(),
        "may_create": can(user, "FLOW", "CREATE"),
        "executions": [ExecutionView(row) for row in last],
        "totals": [(state, totals[state]) for state in ORDER if totals[state]],
        "total": sum(totals.values()),
        "most": max(totals.values(), default=0),
        "ratio": success_ratio(totals),
        "failed": totals["FAILED"],
        "running": sum(open_now.get(state, 0) for state in ("RUNNING", "RESTARTED", "RETRYING", "KILLING")),
        "waiting": sum(open_now.get(state, 0) for state in ("CREATED", "QUEUED")),
        "paused": open_now.get("PAUSED", 0),
        "bars": bars,
        "highest": highest,
    }
    return render_page(request, "console/home.html", context, fragment="console/_home.html")


def hour_bars(counted: list[tuple[datetime, str, int]], since: datetime) -> tuple[list[HourBar], int]:
    """A bar for each hour from `since`, also for empty ones, and the figure at the top of the axis."""
    by_hour: dict[datetime, dict[str, int]] = {since + timedelta(hours=number): {} for number in range(HOURS)}
    for hour, state, count in counted:
        by_hour.setdefault(hour, {})[state] = count
    highest = round_up(max((sum(states.values()) for states in by_hour.values()), default=0))
    bars = []
    for hour, states in by_hour.items():
        segments, top = [], 100.0
        for state in ORDER:
            if count := states.get(state, 0):
                height = 100 * count / highest
                top -= height
                segments.append(Segment(state, count, round(top, 2), round(height, 2)))
        bars.append(HourBar(hour, segments))
    return bars, highest
