"""The audit log of the open tenant."""

from rest_framework.request import Request

from apps.audit.schemas import AuditDiff, AuditLogWithUser, FindBody
from apps.audit.selectors import get_entry, search_entries
from apps.common.access import access
from apps.common.api import dump_json, query_instant, read_body
from apps.common.errors import BadRequest, NotFound
from apps.common.pagination import Page, paginate, read_page
from apps.common.search_filters import BadFilter, Criterion, parse_api_filters

FIELDS = ("q", "namespace", "flowId", "executionId", "userId", "permission", "details", "type")
SORTABLE = {"date": "id", "type": "type", "id": "id"}


@access("AUDITLOG", "READ", namespace_query="namespace", everywhere=True)
def search_audit_logs(request: Request) -> Page[AuditLogWithUser]:
    """Newest first. Details are `details=key:value`, repeatable."""
    query = request.query_params
    try:
        criteria = parse_api_filters(
            ((name, value) for name, values in query.lists() for value in values), fields=FIELDS
        )
    except BadFilter as error:
        raise BadRequest(str(error)) from error
    one = {criterion.field: criterion.values[0] for criterion in criteria}
    rows = search_entries(
        query=one.get("q", ""),
        types=query.getlist("type"),
        permission=one.get("permission", ""),
        namespace=one.get("namespace", ""),
        user_id=one.get("userId", ""),
        details=_details(criteria),
        start=query_instant(query, "startDate"),
        end=query_instant(query, "endDate"),
    )
    page = paginate(rows, read_page(query, sortable=SORTABLE))
    return Page([AuditLogWithUser.of(entry) for entry in page.results], page.total)


@access("AUDITLOG", "READ", everywhere=True)
def find_audit_log(request: Request) -> AuditLogWithUser:
    """The last entry with these details: who changed this last."""
    body = read_body(request, FindBody)
    found = search_entries(
        types=[body.type] if body.type else (), permission=body.permission or "", details=body.detail.items()
    ).first()
    if found is None:
        raise NotFound("There is no audit entry with these details.")
    return AuditLogWithUser.of(found)


@access("AUDITLOG", "READ", everywhere=True)
def show_audit_diff(request: Request, entry_id: str) -> AuditDiff:
    """What was changed, before and after."""
    entry = get_entry(entry_id)
    return AuditDiff(
        before=None if entry.before is None else dump_json(entry.before).decode(),
        after=None if entry.after is None else dump_json(entry.after).decode(),
    )


def _details(criteria: list[Criterion]) -> list[tuple[str, str]]:
    pairs = [(c.field, c.values[0]) for c in criteria if c.field in {"flowId", "executionId"}]
    return pairs + [(c.key or "", c.values[0]) for c in criteria if c.field == "details"]
