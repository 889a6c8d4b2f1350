"""People of the open tenant for a search, and what one of them did lately."""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.common.ids import is_id
from apps.rbac.models import Binding, BindingType, GroupMember, TenantAccess
from apps.workflows.selectors.executions import ExecutionHead, find_heads

LATELY: Final = 50


def suggest_people(text: str, *, most: int) -> list[User]:
    """Those with access to the tenant and all words in name or address, by name. One query."""
    found = User.objects.filter(
        Q(pk__in=Binding.objects.filter(type=BindingType.USER).values("external_id"))
        | Q(pk__in=GroupMember.objects.values("user_id"))
        | Q(pk__in=TenantAccess.objects.values("pk"))
    )
    for word in text.split():
        found = found.filter(Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word))
    return list(found.order_by("username")[:most])


def list_own_activity(user: User) -> tuple[list[AuditEntry], dict[str, ExecutionHead]]:
    """(the last things the person did in the tenant, the executions among them by id as they are now). Two queries."""
    entries = list(AuditEntry.objects.filter(user_id=user.pk)[:LATELY])
    wanted = [key for entry in entries if is_id(key := execution_of(entry))]
    return entries, find_heads(wanted) if wanted else {}


def execution_of(entry: AuditEntry) -> str:
    """Id of the execution an entry is about; empty when it is about something else."""
    if entry.resource.upper() != "EXECUTION" or not isinstance(entry.detail, dict):
        return ""
    return str(entry.detail.get("executionId") or entry.detail.get("id") or "")
