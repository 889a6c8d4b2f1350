"""The audit log of the open tenant, and for super admins that of the installation."""

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.audit.export import export_answer
from apps.audit.filters import read_filter
from apps.audit.schemas import AuditDiff, AuditLogWithUser, FindBody
from apps.audit.selectors import AuditFilter, get_entry, search_entries
from apps.common.access import access, super_admin
from apps.common.api import dump_json, read_body
from apps.common.current_tenant import opened_schema
from apps.common.errors import NotFound
from apps.common.pagination import Page, paginate, read_page

SORTABLE = {"date": "id", "type": "type", "id": "id"}
PUBLIC = "public"


@access("AUDITLOG", "READ", namespace_query="namespace", everywhere=True)
def search_audit_logs(request: Request) -> Page[AuditLogWithUser]:
    """Newest first. Details are `details=key:value`, repeatable."""
    page = paginate(
        search_entries(read_filter(request.query_params)), read_page(request.query_params, sortable=SORTABLE)
    )
    return Page([AuditLogWithUser.of(entry) for entry in page.results], page.total)


@access("AUDITLOG", "READ", everywhere=True)
def find_audit_log(request: Request) -> AuditLogWithUser:
    """The last entry with these details: who changed this last."""
    body = read_body(request, FindBody)
    wanted = AuditFilter(
        types=(body.type,) if body.type else (),
        permission=body.permission or "",
        details=tuple(body.detail.items()),
    )
    found = search_entries(wanted).first()
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


@access("AUDITLOG", "READ", everywhere=True)
def list_history(request: Request, entry_id: str) -> list[AuditLogWithUser]:
    """The latest hundred entries about the thing with this id."""
    found = search_entries(AuditFilter(details=(("id", entry_id),)))[:100]
    return [AuditLogWithUser.of(entry) for entry in found]


@access("AUDITLOG", "READ", namespace_query="namespace", everywhere=True)
def export_audit_logs(request: Request) -> StreamingHttpResponse:
    """All that the filters leave, newest first, as CSV or JSON lines (`format=csv`, `format=json`). The export is an
    entry of the log itself."""
    return export_answer(request.query_params, request.user)


@super_admin
def search_instance_logs(request: Request) -> Page[AuditLogWithUser]:
    """What was done to the installation: tenants, people, worker groups."""
    with opened_schema(PUBLIC):
        return search_audit_logs(request)


@super_admin
def export_instance_logs(request: Request) -> StreamingHttpResponse:
    with opened_schema(PUBLIC):
        return export_answer(request.query_params, request.user)
