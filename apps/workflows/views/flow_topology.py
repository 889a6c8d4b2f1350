"""The topology of a flow: as a tab of its page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.common.access import access
from apps.common.pages import IN_VIEW
from apps.workflows.flow_language.graph import flow_graph
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.services.definitions import load_flow
from apps.workflows.views.flow_header import flow_context
from apps.workflows.views.lookups import readable_flow
from apps.workflows.views.topology import draw_flow


@access("FLOW", "READ", namespace=IN_VIEW)
def show_topology(request: HttpRequest, namespace: str, flow_id: str) -> HttpResponse:
    """The flow as a picture and as a list; `direction=down`, and `group` (a uid) for one group alone."""
    flow = readable_flow(request, namespace, flow_id)
    across, focus = request.GET.get("direction") != "down", request.GET.get("group", "")
    context = {**flow_context(request, flow, tab="topology"), "across": across, "focus": focus, "broken": ""}
    try:
        graph = flow_graph(load_flow(flow.flow_ref, flow.revision).definition)
        context["drawing"] = draw_flow(graph, across=across, focus=focus)
    except InvalidFlow as error:
        context["broken"] = error.message
    return render(request, "workflows/flows/topology.html", context)
