"""Which flows depend on which: of one flow, of all flows of a namespace."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request

from apps.common.access import access
from apps.common.api import query_flag
from apps.common.current_tenant import require_tenant
from apps.rbac.decisions import can
from apps.workflows.api.describe import describe, flag
from apps.workflows.api.flows import get_flow
from apps.workflows.selectors.flows import not_deleted, search_flows
from apps.workflows.services.flow_dependencies import MOST, Dependencies, Key, find_dependencies

ONLY = flag("destinationOnly", "Only what leads to the flow, not where it leads.")


@describe(dict[str, Any], query=(ONLY,), tag="Flows")
@access("FLOW", "READ")
def read_flow_dependencies(request: Request, namespace: str, flow_id: str) -> dict[str, Any]:
    """The flows that start this one and those it starts, with what ties them. Only flows that the caller may see."""
    flow = get_flow(namespace, flow_id)
    only = {(namespace, flow_id)} if query_flag(request.query_params, "destinationOnly") else None
    return _graph(request, find_dependencies([flow]), only)


@describe(dict[str, Any], query=(ONLY,), tag="Namespaces")
@access("FLOW", "READ")
def read_namespace_dependencies(request: Request, namespace: str) -> dict[str, Any]:
    """The same for all flows of exactly this namespace, at most 200."""
    conditions = not_deleted()
    conditions.add("f.namespace = %s", namespace)
    flows, _ = search_flows(conditions, order=("f.flow_id",), offset=0, size=MOST)
    only = {(one.namespace, one.flow_id) for one in flows}
    narrowed = query_flag(request.query_params, "destinationOnly")
    return _graph(request, find_dependencies(flows), only if narrowed else None)


def _graph(request: Request, found: Dependencies, targets: set[Key] | None) -> dict[str, Any]:
    tenant = require_tenant()
    shown = [key for key in found.flows if can(request.user, "FLOW", "READ", key[0])]
    ties = [
        tie
        for tie in found.ties
        if tie.source in shown and tie.target in shown and (targets is None or tie.target in targets)
    ]

    def uid(key: Key) -> str:
        return f"{tenant}_{key[0]}_{key[1]}"

    return {
        "nodes": [{"uid": uid(key), "tenantId": tenant, "namespace": key[0], "id": key[1]} for key in shown],
        "edges": [{"source": uid(one.source), "target": uid(one.target), "relation": one.relation} for one in ties],
    }
