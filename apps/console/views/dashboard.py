"""The default dashboard: key figures now, each further panel fetched by itself when it comes into view."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access, member
from apps.common.clock import now
from apps.common.errors import NotFound
from apps.common.htmx import render_page
from apps.console.views.bars import RUNNING, Bar, Spark, spark, stack_bars, success_ratio
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.execution_store.save import label_term
from apps.workflows.selectors.activity import count_open
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.flows import add_visible, list_flow_refs
from apps.workflows.selectors.statistics import (
    Count,
    Scope,
    count_by_time,
    failing_flows,
    failures_by_namespace,
    lines_by_time,
    running_longest,
)
from apps.workflows.selectors.triggers import page_of_triggers, search_triggers
from apps.workflows.views.live_page import listen_from

LEVELS: Final = ("INFO", "DEBUG", "TRACE", "WARN", "ERROR")
WINDOWS: Final = {
    "1h": ("Last hour", timedelta(hours=1), timedelta(minutes=2)),
    "24h": ("Last 24 hours", timedelta(hours=24), timedelta(hours=1)),
    "7d": ("Last 7 days", timedelta(days=7), timedelta(hours=6)),
    "30d": ("Last 30 days", timedelta(days=30), timedelta(days=1)),
    "90d": ("Last 90 days", timedelta(days=90), timedelta(days=3)),
}
_LABEL: Final = re.compile(r"\s*([^:=\s]+)\s*[:=]\s*(.+?)\s*")


@dataclass(frozen=True)
class Asked:
    """The filters of the address. ``label`` is `key:value`."""

    window: str
    namespace: str
    flow: str
    label: str

    @property
    def query(self) -> str:
        """For the panels' addresses."""
        named = {"time": self.window, "namespace": self.namespace, "flow": self.flow, "label": self.label}
        return urlencode({name: value for name, value in named.items() if value})

    @property
    def search(self) -> str:
        """For links to the list of executions."""
        found = {"time": f"-{self.window}"}
        if self.namespace:
            found["namespace"] = self.namespace
        if self.flow:
            found["flowId"] = self.flow
        if match := _LABEL.fullmatch(self.label):
            found[f"labels[{match[1]}]"] = match[2]
        return urlencode(found)

    def scope(self, visible: Sequence[str] | None, moment: datetime) -> Scope:
        """What to count up to the moment. One query when flows are narrowed."""
        _, length, step = WINDOWS[self.window]
        start = moment - length
        if length > timedelta(days=7):
            start = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        elif step >= timedelta(hours=1):
            start = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        conditions = Conditions()
        add_visible(conditions, visible)
        if self.namespace:
            add_visible(conditions, [self.namespace])
        if self.flow:
            conditions.add("f.flow_id = %s", self.flow)
        match = _LABEL.fullmatch(self.label)
        return Scope(
            start,
            moment,
            refs=list_flow_refs(conditions) if conditions.parts else None,
            terms=[label_term(f"{match[1]}={match[2]}")] if match else [],
            visible=visible,
            namespace=self.namespace,
            narrow=bool(self.flow or match),
        )


@dataclass(frozen=True)
class Kpi:
    """A key figure with its change against the window before, in the figure's own unit."""

    label: str
    value: str
    unit: str = ""
    delta: float | None = None
    better: bool = True
    line: Spark | None = None
    query: str = ""
    foot: str = ""
    bad: bool = False


@member
def show_dashboard(request: HttpRequest) -> HttpResponse:
    """Filters `time`, `namespace`, `flow`, `label` (key:value). At most six queries; the panels ask for their own."""
    live, user, asked = listen_from(request), current_user(request), read_asked(request)
    visible = visible_namespaces(user, "EXECUTION")
    may_see = visible is None or bool(visible)
    context: dict[str, Any] = {
        **live,
        "asked": asked,
        "windows": WINDOWS,
        "may_see": may_see,
        "may_create": can(user, "FLOW", "CREATE"),
        "panels": [name for name in PANELS if name != "next" or _may_see_flows(request)],
    }
    if may_see:
        moment = now()
        scope = asked.scope(visible, moment)
        context |= _figures(asked, scope, request)
    return render_page(request, "console/dashboard.html", context, fragment="console/_dashboard.html")


@access("EXECUTION", "READ")
def show_panel(request: HttpRequest, panel: str) -> HttpResponse:
    """One panel of the dashboard, with the same filters. NotFound for another name."""
    found = PANELS.get(panel)
    if found is None or (panel == "next" and not _may_see_flows(request)):
        raise NotFound(f"The dashboard has no panel {panel[:40]}.")
    asked = read_asked(request)
    scope = asked.scope(visible_namespaces(current_user(request), "EXECUTION"), now())
    context = {"asked": asked, "panel": panel, **found(request, asked, scope)}
    return render(request, f"console/panels/{panel}.html", context)


def read_asked(request: HttpRequest) -> Asked:
    """The filters, those that cannot be understood left out."""
    query = request.GET
    window = query.get("time", "").removeprefix("-")
    return Asked(
        window=window if window in WINDOWS else "24h",
        namespace=query.get("namespace", "").strip()[:150],
        flow=query.get("flow", "").strip()[:100],
        label=query.get("label", "").strip()[:300],
    )


def _may_see_flows(request: HttpRequest) -> bool:
    visible = visible_namespaces(current_user(request), "FLOW")
    return visible is None or bool(visible)


def _figures(asked: Asked, scope: Scope, request: HttpRequest) -> dict[str, Any]:
    _, length, step = WINDOWS[asked.window]
    counts = count_by_time(scope, step)
    before = count_by_time(
        Scope(scope.start - length, scope.start, scope.refs, scope.terms, scope.visible, scope.namespace, scope.narrow),
        length,
    )
    open_now = count_open(scope.refs)
    totals, earlier = _by_state(counts), _by_state(before)
    bars, highest = stack_bars([(one.start, one.state, one.count) for one in counts], scope.start, scope.end, step)
    return {
        "kpis": _kpis(asked, totals, earlier, open_now, bars),
        "bars": bars,
        "highest": highest,
        "step": step,
        "states": [state for state in dict.fromkeys(one.state for bar in bars for one in bar.segments)],
        "totals": totals,
        "total": sum(totals.values()),
        "most": max(totals.values(), default=0),
    }


def _by_state(counts: Sequence[Count]) -> Counter[str]:
    found = Counter[str]()
    for one in counts:
        found[one.state] += one.count
    return found


def _kpis(
    asked: Asked, totals: Counter[str], earlier: Counter[str], open_now: Mapping[str, int], bars: Sequence[Bar]
) -> list[Kpi]:
    ratio, ratio_before = success_ratio(totals), success_ratio(earlier)
    all_now, all_before = sum(totals.values()), sum(earlier.values())
    failed = totals["FAILED"]
    running = sum(open_now.get(state, 0) for state in RUNNING)
    waiting = open_now.get("CREATED", 0) + open_now.get("QUEUED", 0)
    search = asked.search
    return [
        Kpi("Executions", f"{all_now:,}".replace(",", " "), delta=all_now - all_before,
            line=spark([bar.total for bar in bars]), query=search),
        Kpi("Success ratio", "-" if ratio is None else str(ratio), unit="" if ratio is None else "%",
            delta=None if ratio is None or ratio_before is None else round(ratio - ratio_before, 1),
            query=f"{search}&state=SUCCESS,WARNING", foot="nothing has ended" if ratio is None else ""),
        Kpi("Failed", str(failed), delta=failed - earlier["FAILED"], better=False, bad=bool(failed),
            line=spark([bar.count("FAILED") for bar in bars]), query=f"{search}&state=FAILED"),
        Kpi("Running now", str(running), query=f"state={','.join(RUNNING)}",
            foot=f"{waiting} waiting to start" if waiting else "none waiting"),
        Kpi("Paused", str(open_now.get("PAUSED", 0)), query="state=PAUSED", foot="waiting for a person or time"),
    ]  # fmt: skip


def _progress(request: HttpRequest, asked: Asked, scope: Scope) -> dict[str, Any]:
    moment = now()
    return {
        "runs": [
            (run, round((moment - run.started).total_seconds() * 1000), _percent(run.usual_ms, moment - run.started))
            for run in running_longest(scope, RUNNING)
        ]
    }


def _percent(usual_ms: int | None, elapsed: timedelta) -> int | None:
    return None if not usual_ms else min(round(100 * elapsed.total_seconds() * 1000 / usual_ms), 100)


def _next(request: HttpRequest, asked: Asked, scope: Scope) -> dict[str, Any]:
    where = search_triggers(
        words="",
        namespace=asked.namespace or None,
        flow_id=asked.flow or None,
        worker_id=None,
        seen=visible_namespaces(current_user(request), "FLOW"),
    )
    awake = Q(off=False, disabled=False, next_date__isnull=False)
    return {"triggers": page_of_triggers(where & awake, order=("next_date",), size=10)[0], "moment": now()}


def _namespaces(request: HttpRequest, asked: Asked, scope: Scope) -> dict[str, Any]:
    found = failures_by_namespace(scope)
    return {"found": found, "most": max((count for _, count in found), default=0)}


def _flows(request: HttpRequest, asked: Asked, scope: Scope) -> dict[str, Any]:
    return {"found": failing_flows(scope)}


def _logs(request: HttpRequest, asked: Asked, scope: Scope) -> dict[str, Any]:
    step = max(WINDOWS[asked.window][2], timedelta(hours=1))
    counts = lines_by_time(scope, step)
    pieces = [(one.start, level, one.by_level[level]) for one in counts for level in LEVELS]
    start = scope.start.replace(minute=0, second=0, microsecond=0)
    bars, highest = stack_bars(pieces, start, scope.end, step, order=LEVELS)
    return {"bars": bars, "highest": highest, "levels": LEVELS, "total": sum(bar.total for bar in bars)}


PANELS: Final[Mapping[str, Callable[[HttpRequest, Asked, Scope], dict[str, Any]]]] = {
    "progress": _progress,
    "next": _next,
    "namespaces": _namespaces,
    "flows": _flows,
    "logs": _logs,
}
