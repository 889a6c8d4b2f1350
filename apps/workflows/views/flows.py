"""The list of flows: what each did last, what starts it next, how often it succeeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.clock import now
from apps.common.search_filters import BadFilter
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.models import Flow, TriggerState
from apps.workflows.selectors.activity import RunMark, last_runs, success_ratios
from apps.workflows.selectors.filter_keys import FLOW_KEYS
from apps.workflows.selectors.flows import FlowRow, add_visible, count_flows, not_deleted, search_flows
from apps.workflows.selectors.triggers import triggers_of_flows
from apps.workflows.services.flow_filters import flow_conditions
from apps.workflows.views.execution_view import HIDDEN
from apps.workflows.views.listing import Column, Listing, answer_list, read_listing
from apps.workflows.views.live_page import listen_from

TALLEST: Final = 20
RATIO_DAYS: Final = 7
STATES: Final = ("SUCCESS", "WARNING", "FAILED", "RUNNING", "PAUSED", "KILLED")
SORTS: Final = {"flow": "f.flow_id", "namespace": "f.namespace", "updated": "f.updated", "revision": "f.revision"}
COLUMNS: Final = (
    Column("flow", "Flow"),
    Column("namespace", "Namespace"),
    Column("labels", "Labels", shown=False),
    Column("last", "Last run"),
    Column("runs", "Last runs"),
    Column("triggers", "Triggers"),
    Column("next", "Next run"),
    Column("ratio", "Success, 7 d"),
    Column("revision", "Revision"),
    Column("updated", "Updated"),
)
TRIGGER_ICONS: Final = {"TIME": "cal", "FLOW": "flow", "WEBHOOK": "link", "POLL": "refresh", "STREAM": "pulse"}


@dataclass(frozen=True)
class FlowLine:
    """A row of the list: the flow, its last executions (oldest first), its triggers, and what may be done here."""

    flow: FlowRow
    runs: list[RunMark]
    may_execute: bool
    triggers: list[TriggerState] = field(default_factory=list)
    ratio: float | None = None
    labels: list[tuple[str, str]] = field(default_factory=list)

    @property
    def last(self) -> RunMark | None:
        return self.runs[-1] if self.runs else None

    @property
    def next_date(self) -> datetime | None:
        """The soonest date of the triggers that are on."""
        return min((row.next_date for row in self.triggers if row.next_date and not row.sleeps), default=None)

    @property
    def percent(self) -> int | None:
        return None if self.ratio is None else int(self.ratio * 100)

    def height(self, run: RunMark) -> int:
        """Of a bar, in pixels: the longest run of the strip is the tallest."""
        longest = max((mark.duration_ms or 0 for mark in self.runs), default=0)
        return 6 if not longest or run.duration_ms is None else 4 + round((TALLEST - 4) * run.duration_ms / longest)


@access("FLOW", "READ")
def list_flows(request: HttpRequest) -> HttpResponse:
    """Page of flows the person may read. Up to six queries: flows, count, labels, last runs, triggers, ratios."""
    live, user = listen_from(request), current_user(request)
    listing = read_listing(request, FLOW_KEYS, COLUMNS)
    visible = visible_namespaces(user, "FLOW")
    problem = ""
    try:
        conditions = flow_conditions(listing.api_criteria())
    except BadFilter as error:
        conditions, problem = not_deleted(), str(error)
        conditions.add("false")
    add_visible(conditions, visible)
    offset = (listing.page - 1) * listing.size
    flows, total = search_flows(conditions, order=_order(listing.sort), offset=offset, size=listing.size)
    seen = not_deleted()
    add_visible(seen, visible)
    context: dict[str, Any] = {
        **live,
        "lines": _lines(user, listing, flows),
        "total": total,
        "first": offset + 1,
        "newer": listing.address(page=listing.page - 1 if listing.page > 2 else "") if listing.page > 1 else "",
        "older": listing.address(page=listing.page + 1) if offset + len(flows) < total else "",
        "problem": problem,
        "states": STATES,
        "sorts": SORTS,
        "icons": TRIGGER_ICONS,
        "all_total": count_flows(seen) if listing.filtered and not flows else total,
        "partly": visible is not None,
        "may_create": can(user, "FLOW", "CREATE"),
    }
    return answer_list(request, listing, "workflows/flows/list.html", context, fragment="workflows/flows/_results.html")


def _lines(user: User, listing: Listing, flows: list[FlowRow]) -> list[FlowLine]:
    refs = [flow.flow_ref for flow in flows]
    sees_runs = visible_namespaces(user, "EXECUTION")
    readable = refs if sees_runs is None or sees_runs else []
    runs = last_runs(readable) if readable else {}
    ratios = success_ratios(readable, now() - timedelta(days=RATIO_DAYS)) if readable and listing.shows("ratio") else {}
    triggers = triggers_of_flows(refs) if listing.shows("triggers") or listing.shows("next") else {}
    labels = dict(Flow.objects.filter(uid__in=refs).values_list("uid", "labels")) if listing.shows("labels") else {}
    named = {one.key for one in listing.criteria if one.field == "labels"}
    lines = []
    for flow in flows:
        may_see = can(user, "EXECUTION", "READ", flow.namespace)
        lines.append(
            FlowLine(
                flow,
                runs.get(flow.flow_ref, [])[::-1] if may_see else [],
                can(user, "EXECUTION", "CREATE", flow.namespace),
                triggers.get(flow.flow_ref, []),
                ratios.get(flow.flow_ref) if may_see else None,
                [
                    (label["key"], label["value"])
                    for label in labels.get(flow.flow_ref, [])
                    if label["key"] in named or not label["key"].startswith(HIDDEN)
                ],
            )
        )
    return lines


def _order(sort: str) -> tuple[str, ...]:
    name, _, direction = sort.partition(":")
    return (("" if direction == "asc" else "-") + SORTS[name],) if name in SORTS else ()
