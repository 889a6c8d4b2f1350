"""The tab with the flows that start this one, and those it starts."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can
from apps.workflows.selectors.activity import last_runs
from apps.workflows.services.flow_dependencies import BY_TRIGGER, Dependencies, Key, find_dependencies
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.lookups import readable_flow
from apps.workflows.views.topology import Item, TaskMark, draw

DEPTHS: Final = (1, 2, 3, 4, 5)


@access("FLOW", "READ", namespace=IN_VIEW)
def show_dependencies(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """Flows up to `depth` steps away, as a picture and a list. What may not be seen has no name."""
    flow = readable_flow(request, namespace, flow_id)
    asked = request.GET.get("depth", "")
    depth = int(asked) if asked.isdecimal() and int(asked) in DEPTHS else 1
    found = find_dependencies([flow], depth=depth)
    shown = {key for key in found.flows if can(current_user(request), "FLOW", "READ", key[0])}
    runs_seen = {key for key in shown if can(current_user(request), "EXECUTION", "READ", key[0])}
    context = {
        **flow_context(request, flow, tab="dependencies"),
        "drawing": draw(_items(found, shown, runs_seen, (namespace, flow_id))),
        "depth": depth,
        "depths": DEPTHS,
        "more": found.more,
        "alone": not found.ties,
    }
    return render(request, "workflows/flows/dependencies.html", context)


def _items(found: Dependencies, shown: set[Key], runs_seen: set[Key], own: Key) -> Item:
    root = Item("root", "", "root")
    names = {key: f"flow{number}" for number, key in enumerate(found.flows)}
    runs = last_runs([found.flows[key].flow_ref for key in runs_seen], each=1)
    for key, flow in found.flows.items():
        if key not in shown:
            root.items.append(Item(names[key], "Restricted", "restricted", about="you may not see this flow"))
            continue
        item = Item(names[key], flow.flow_id, "task", flow.namespace, disabled=flow.disabled)
        last = next(iter(runs.get(flow.flow_ref, ())), None)
        where = {"tenant": require_tenant(), "namespace": flow.namespace, "flow_id": flow.flow_id}
        href = "" if key == own else reverse("ui:flow_dependencies", kwargs=where)
        item.mark = TaskMark(last.state, href=href) if last else None
        item.href = href
        root.items.append(item)
    root.lines = [(names[tie.source], names[tie.target]) for tie in found.ties]
    triggered = {names[tie.target] for tie in found.ties if tie.relation == BY_TRIGGER}
    for item in root.items:
        if item.uid in triggered and item.kind == "task":
            item.entry = "by trigger"
    return root
