"""All that a list finds, as a file: streamed, a few hundred rows in memory however many there are; each is audited."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, Final

from django.http import HttpRequest, StreamingHttpResponse

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.audit.services import record
from apps.common.access import member
from apps.common.clock import now
from apps.common.current_tenant import require_tenant
from apps.common.display import iso
from apps.common.errors import BadRequest, NotFound
from apps.common.search_filters import BadFilter
from apps.rbac.decisions import check_can, visible_namespaces
from apps.tenants.scope import tenant_scope
from apps.workflows.selectors.execution_search import After, search_executions
from apps.workflows.selectors.filter_keys import ALL_KEYS
from apps.workflows.selectors.flows import add_visible, search_flows
from apps.workflows.selectors.log_search import page_of_logs
from apps.workflows.selectors.triggers import triggers_after, triggers_meeting
from apps.workflows.services.flow_filters import flow_conditions
from apps.workflows.views.execution_lists import filter_of
from apps.workflows.views.execution_view import ExecutionView
from apps.workflows.views.listing import Listing, read_listing
from apps.workflows.views.logs import log_filter_of

PIECE: Final = 500
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "json": "application/x-ndjson"}
PERMISSIONS: Final = {"executions": "EXECUTION", "flows": "FLOW", "logs": "EXECUTION", "triggers": "FLOW"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet takes for a formula."""
Rows = Iterator[Sequence[Mapping[str, Any]]]


@member
def export_list(request: HttpRequest, page: str) -> StreamingHttpResponse:
    """What the filter of the address finds now, as CSV or as JSON, one row a line. The export is an audit entry."""
    user = current_user(request)
    if page not in PERMISSIONS:
        raise NotFound(f"There is no list '{page[:40]}'.")
    check_can(user, PERMISSIONS[page], "READ")
    chosen = request.GET.get("format", "csv").lower()
    if chosen not in FORMATS:
        raise BadRequest(f"'format' is one of {', '.join(FORMATS)}, not '{chosen[:40]}'.")
    listing = read_listing(request, ALL_KEYS[page], ())
    if listing.problems:
        # a file that silently holds more than was asked for would be believed
        raise BadRequest(" ".join(problem.told for problem in listing.problems))
    try:
        rows = READERS[page](user, listing)
    except BadFilter as error:
        raise BadRequest(str(error)) from error
    record(
        acting_user=user,
        action="EXPORT",
        resource=page.capitalize(),
        detail={"format": chosen, "filter": listing.text},
        permission=PERMISSIONS[page],
    )
    answer = StreamingHttpResponse(_lines(require_tenant(), rows, chosen), content_type=FORMATS[chosen])
    name = f"{page}-{now():%Y%m%d-%H%M%S}.{'csv' if chosen == 'csv' else 'jsonl'}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _lines(tenant: str, rows: Rows, chosen: str) -> Iterator[str]:
    """Read after the request has left its tenant: it is entered again for each piece."""
    first = True
    while True:
        with tenant_scope(tenant):
            piece = next(rows, None)
        if piece is None:
            return
        if chosen == "json":
            yield "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in piece)
            continue
        text = StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if first and piece:
            writer.writerow(piece[0])
        writer.writerows([_cell(value) for value in row.values()] for row in piece)
        first = False
        yield text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "'" + text if text.startswith(_FORMULA) else text


def _executions(user: User, listing: Listing) -> Rows:
    wanted, place = filter_of(listing, visible_namespaces(user, "EXECUTION")), None
    return _execution_pieces(wanted, place)


def _execution_pieces(wanted: Any, place: After | None) -> Rows:
    while True:
        page = search_executions(wanted, size=PIECE, after=place, with_total=False)
        shown = [ExecutionView(row) for row in page.rows]
        yield [
            {
                "id": one.id,
                "namespace": one.row.namespace,
                "flowId": one.row.flow_id,
                "revision": one.row.flow_revision,
                "state": one.state,
                "startDate": iso(one.started),
                "endDate": iso(one.end) if one.end else None,
                "durationMs": None if one.duration_ms is None else round(one.duration_ms),
                "trigger": one.trigger_word,
                "labels": {label["key"]: label["value"] for label in one.row.labels},
            }
            for one in shown
        ]
        if not page.has_next:
            return
        place = After(page.rows[-1].start_date, page.rows[-1].id)


def _flows(user: User, listing: Listing) -> Rows:
    conditions = flow_conditions(listing.api_criteria())
    add_visible(conditions, visible_namespaces(user, "FLOW"))
    return _flow_pieces(conditions)


def _flow_pieces(conditions: Any) -> Rows:
    offset = 0
    while True:
        rows, _ = search_flows(conditions, order=(), offset=offset, size=PIECE)
        yield [
            {
                "namespace": row.namespace,
                "id": row.flow_id,
                "revision": row.revision,
                "disabled": row.disabled,
                "created": iso(row.created),
                "updated": iso(row.updated),
            }
            for row in rows
        ]
        if len(rows) < PIECE:
            return
        offset += PIECE


def _logs(user: User, listing: Listing) -> Rows:
    return _log_pieces(log_filter_of(listing, visible_namespaces(user, "EXECUTION")))


def _log_pieces(wanted: Any) -> Rows:
    place: int | None = None
    while True:
        lines, more = page_of_logs(wanted, size=PIECE, older_than=place)
        yield [
            {
                "timestamp": iso(line.timestamp),
                "level": str(line.level),
                "namespace": line.namespace,
                "flowId": line.flow_id,
                "taskId": line.task_id,
                "triggerId": line.trigger_id,
                "executionId": line.execution_id,
                "taskRunId": line.task_run_id,
                "attempt": line.attempt,
                "message": line.message,
            }
            for line in lines
        ]
        if not more:
            return
        place = lines[-1].number


def _triggers(user: User, listing: Listing) -> Rows:
    return _trigger_pieces(triggers_meeting(listing.api_criteria(), visible_namespaces(user, "FLOW")))


def _trigger_pieces(where: Any) -> Rows:
    place = 0
    while True:
        rows = triggers_after(where, place, PIECE)
        yield [
            {
                "namespace": row.namespace,
                "flowId": row.flow_id,
                "triggerId": row.trigger_id,
                "type": row.type,
                "disabled": row.sleeps,
                "nextDate": iso(row.next_date) if row.next_date else None,
                "lastDate": iso(row.date) if row.date else None,
                "executionId": row.execution_id,
            }
            for row in rows
        ]
        if len(rows) < PIECE:
            return
        place = rows[-1].pk


READERS: Final[Mapping[str, Callable[[User, Listing], Rows]]] = {
    "executions": _executions,
    "flows": _flows,
    "logs": _logs,
    "triggers": _triggers,
}
