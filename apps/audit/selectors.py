"""Reads of the audit log."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from apps.audit.models import AuditEntry
from apps.common.errors import NotFound
from apps.common.ids import is_id


def search_entries(
    *,
    query: str = "",
    types: Iterable[str] = (),
    resource: str = "",
    permission: str = "",
    namespace: str = "",
    user_id: str = "",
    details: Iterable[tuple[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> QuerySet[AuditEntry]:
    """Newest first; `namespace` with all below it; each pair of `details` must be there."""
    found = AuditEntry.objects.all()
    if types := list(types):
        found = found.filter(type__in=types)
    if resource:
        found = found.filter(resource=resource)
    if permission:
        found = found.filter(permission=permission)
    if namespace:
        found = found.filter(Q(namespace=namespace) | Q(namespace__startswith=namespace + "."))
    if user_id:
        found = found.filter(user_id=user_id) if is_id(user_id) else found.none()
    for name, value in details:
        found = found.filter(Q(detail__contains={name: value}) | Q(detail__contains={name: _number(value)}))
    if start is not None:
        found = found.filter(date__gte=start)
    if end is not None:
        found = found.filter(date__lte=end)
    for word in query.split():
        found = found.filter(
            Q(resource__icontains=word)
            | Q(user_name__icontains=word)
            | Q(type__iexact=word)
            | Q(detail__icontains=word)
        )
    return found


def get_entry(entry_id: str) -> AuditEntry:
    """Raises NotFound."""
    found = AuditEntry.objects.filter(pk=entry_id).first() if is_id(entry_id) else None
    if found is None:
        raise NotFound(f"There is no audit entry '{entry_id[:60]}'.")
    return found


def _number(value: str) -> object:
    return int(value) if value.isdecimal() else value
