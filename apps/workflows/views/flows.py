"""The list of flows: search while typing, by namespace and by the state of the last run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.htmx import render_page
from apps.common.search_filters import Criterion, Op
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.activity import RunMark, last_runs
from apps.workflows.selectors.conditions import Conditions, add_text
from apps.workflows.selectors.flows import (
    FlowRow,
    add_visible,
    add_words,
    count_flows,
    list_namespaces,
    not_deleted,
    search_flows,
)
from apps.workflows.views.live_page import listen_from

SIZE: Final = 50
TALLEST: Final = 20
STATES: Final = ("SUCCESS", "WARNING", "FAILED", "RUNNING", "PAUSED", "KILLED")
_LAST_STATE: Final = (
    "(SELECT x.state FROM execution x WHERE x.flow_ref = f.uid ORDER BY x.start_date DESC, x.id DESC LIMIT 1)"
)


@dataclass(frozen=True)
class FlowLine:
    """A row of the list: the flow, its last executions (oldest first), and whether it may be started here."""

    flow: FlowRow
    runs: list[RunMark]
    may_execute: bool

    @property
    def last(self) -> RunMark | None:
        return self.runs[-1] if self.runs else None

    def height(self, run: RunMark) -> int:
        """Of a bar, in pixels: the longest run of the strip is the tallest."""
        longest = max((mark.duration_ms or 0 for mark in self.runs), default=0)
        return 6 if not longest or run.duration_ms is None else 4 + round((TALLEST - 4) * run.duration_ms / longest)


@access("FLOW", "READ")
def list_flows(request: HttpRequest) -> HttpResponse:
    """Page of flows the person may read. Four queries: flows, their count, their last runs, the namespaces."""
    live, user = listen_from(request), current_user(request)
    visible = visible_namespaces(user, "FLOW")
    query, namespace = request.GET.get("q", "").strip(), request.GET.get("namespace", "").strip()
    state = request.GET.get("state", "").upper()
    number = request.GET.get("page", "1")
    page = int(number) if number.isdecimal() and 0 < int(number) < 20_000 else 1
    conditions = not_deleted()
    add_visible(conditions, visible)
    all_visible = Conditions(list(conditions.parts), list(conditions.values))
    if namespace:
        add_text(conditions, "f.namespace", Criterion("namespace", Op.PREFIX, (namespace,)))
    if state in State.__members__:
        conditions.add(f"{_LAST_STATE} = %s", state)
    add_words(conditions, query)
    flows, total = search_flows(conditions, order=(), offset=(page - 1) * SIZE, size=SIZE)
    sees_runs = visible_namespaces(user, "EXECUTION")
    runs = last_runs([flow.flow_ref for flow in flows]) if sees_runs is None or sees_runs else {}
    lines = [
        FlowLine(
            flow,
            runs.get(flow.flow_ref, [])[::-1] if can(user, "EXECUTION", "READ", flow.namespace) else [],
            can(user, "EXECUTION", "CREATE", flow.namespace),
        )
        for flow in flows
    ]
    filtered = bool(query or namespace or state)
    context = {
        **live,
        "lines": lines,
        "total": total,
        "page": page,
        "pages": max(1, -(-total // SIZE)),
        "first": (page - 1) * SIZE + 1,
        "q": query,
        "namespace": namespace,
        "state": state,
        "states": STATES,
        "namespaces": list_namespaces(all_visible),
        "filtered": filtered,
        "all_total": count_flows(all_visible) if filtered and not flows else total,
        "partly": visible is not None,
        "may_create": can(user, "FLOW", "CREATE"),
        "address": _address(query, namespace, state),
    }
    return render_page(request, "workflows/flows/list.html", context, fragment="workflows/flows/_results.html")


def _address(query: str, namespace: str, state: str) -> Callable[..., str]:
    """The query string of this view with changes, for the template."""

    def address(**changes: object) -> str:
        values: dict[str, object] = {"namespace": namespace, "q": query, "state": state, **changes}
        return "?" + urlencode({name: value for name, value in values.items() if value not in ("", None)})

    return address
