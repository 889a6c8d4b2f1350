"""The page of the audit log: filters in the address, pages by entry, what changed, how far the log is sealed."""

from typing import Final
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.audit.export import export_answer
from apps.audit.filters import read_filter
from apps.audit.models import AuditEntry, AuditType
from apps.audit.patches import differences
from apps.audit.selectors import chain_state, get_entry, page_of_entries
from apps.common.access import access
from apps.common.errors import BadRequest
from apps.common.htmx import render_page
from apps.common.ids import is_id

SIZE: Final = 50
TIMES: Final = {
    "": "Any time",
    "PT1H": "Last hour",
    "P1D": "Last 24 hours",
    "P7D": "Last 7 days",
    "P30D": "Last 30 days",
}
MEANS: Final = {"": "Any means", "session": "Browser", "token": "Token", "basic": "Password (API)", "system": "System"}
FILTERS: Final = ("q", "type", "resource", "user", "namespace", "means", "timeRange", "details", "ip", "userId", "id")
MOST_DETAILS: Final = 4


@access("AUDITLOG", "READ", namespace_query="namespace", everywhere=True)
def list_audit_logs(request: HttpRequest) -> HttpResponse:
    """Fifty entries, newest first, as the address narrows them. A query for the entries, two for the seals."""
    before, after = request.GET.get("before", ""), request.GET.get("after", "")
    if (before and not is_id(before)) or (after and not is_id(after)):
        raise BadRequest("'before' and 'after' are ids of entries.")
    entries, more = page_of_entries(read_filter(request.GET), size=SIZE, before=before, after=after)
    older = entries[-1].id if entries and (more or after) else ""
    newer = entries[0].id if entries and (before or (after and more)) else ""
    given = [(name, value) for name in FILTERS for value in request.GET.getlist(name) if value]
    context = {
        "entries": [(entry, list(entry.detail.items())[:MOST_DETAILS], _count(entry)) for entry in entries],
        "older": _address(given, before=older) if older else "",
        "newer": _address(given, after=newer) if newer else "",
        "given": dict(given),
        "details": [
            (text, _address([pair for pair in given if pair != ("details", text)]))
            for text in request.GET.getlist("details")
        ],
        "filtered": bool(given),
        "address": urlencode(given),
        "types": list(AuditType),
        "times": TIMES,
        "means": MEANS,
        "chain": chain_state(),
        "path": request.path,
    }
    return render_page(request, "audit/list.html", context, fragment="audit/_results.html")


@access("AUDITLOG", "READ", everywhere=True)
def show_audit_log(request: HttpRequest, entry_id: str) -> HttpResponse:
    """One entry with what changed: a page, or a dialog on the list."""
    entry = get_entry(entry_id)
    context = {"entry": entry, "differences": list(differences(entry.before, entry.after))}
    return render_page(request, "audit/entry.html", context, fragment="audit/_entry.html")


@access("AUDITLOG", "READ", namespace_query="namespace", everywhere=True)
def download_audit_logs(request: HttpRequest) -> HttpResponseBase:
    """What the list shows, all of it, as a file."""
    return export_answer(request.GET, request.user)


def _count(entry: AuditEntry) -> int:
    return sum(1 for _ in differences(entry.before, entry.after))


def _address(given: list[tuple[str, str]], **more: str) -> str:
    return "?" + urlencode([*given, *more.items()])
