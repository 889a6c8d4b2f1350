"""All executions that came of the same cause as one, over time: parents, subflows, what triggers started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now
from apps.common.htmx import is_fragment
from apps.common.pages import IN_VIEW
from apps.rbac.decisions import can
from apps.workflows.selectors.relatives import FamilyMember, correlation_of, read_family
from apps.workflows.views.execution_page import execution_context
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.live_page import listen_from
from apps.workflows.views.lookups import readable_execution

DEEPEST: Final = 6


@dataclass(frozen=True)
class FamilyRow:
    """One execution of the family: how deep it lies below its cause, its bar in percent of the common axis."""

    member: FamilyMember
    depth: int
    start: float
    end: float


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_family(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """Those in namespaces that the person may read; of the others only how many there are."""
    live = listen_from(request)
    execution = ExecutionView(readable_execution(request, namespace, flow_id, execution_id))
    members, more = read_family(execution.row)
    user = current_user(request)
    seen = [one for one in members if can(user, "EXECUTION", "READ", one.namespace)]
    context = {
        **live,
        **execution_context(request, execution, tab="dependencies"),
        "rows": lay_out(seen),
        "hidden": len(members) - len(seen),
        "more": more,
        "correlation": correlation_of(execution.row),
    }
    name = "workflows/executions/_family.html" if is_fragment(request) else "workflows/executions/family.html"
    return render(request, name, context)


def lay_out(members: list[FamilyMember]) -> list[FamilyRow]:
    """Each below the one that started it, in the order they started."""
    if not members:
        return []
    known = {one.id for one in members}
    below: dict[str, list[FamilyMember]] = {}
    for one in members:
        below.setdefault(one.cause if one.cause in known and one.cause != one.id else "", []).append(one)
    begin = min(one.started for one in members)
    last = max(one.ended or now() for one in members)
    span = max((last - begin).total_seconds(), 0.001)
    rows: list[FamilyRow] = []
    waiting = [(one, 0) for one in reversed(below.get("", []))]
    while waiting:
        one, depth = waiting.pop()
        start = 100 * (one.started - begin).total_seconds() / span
        end = 100 * ((one.ended or now()) - begin).total_seconds() / span
        rows.append(FamilyRow(one, min(depth, DEEPEST), round(start, 2), round(min(end, 100), 2)))
        waiting += [(child, depth + 1) for child in reversed(below.get(one.id, []))]
    return rows
