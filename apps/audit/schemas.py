"""Audit entries as the API shows them."""

from datetime import datetime
from typing import Any, Self

from apps.audit.models import AuditEntry
from apps.audit.patches import json_patch
from apps.common.json_values import Shape


class FindBody(Shape):
    """The last entry with these details."""

    type: str | None = None
    permission: str | None = None
    detail: dict[str, str]


class AuditLogShape(Shape):
    id: str
    type: str
    date: datetime
    user_id: str | None = None
    ip_address: str | None = None
    impersonated_by: str | None = None
    means: str | None = None
    """session, basic, token or system; ours."""
    detail: dict[str, Any]
    applied_patch: list[dict[str, Any]] | None = None
    revert_patch: list[dict[str, Any]] | None = None


class AuditUser(Shape):
    """Who it was, by the name of then."""

    id: str
    username: str


class AuditLogWithUser(Shape):
    audit_log: AuditLogShape
    user: AuditUser | None = None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        changed = entry.before is not None or entry.after is not None
        return cls(
            audit_log=AuditLogShape(
                id=entry.id,
                type=entry.type,
                date=entry.date,
                user_id=entry.user_id,
                ip_address=entry.ip_address,
                impersonated_by=entry.impersonated_by,
                means=entry.means,
                applied_patch=json_patch(entry.before, entry.after) if changed else None,
                revert_patch=json_patch(entry.after, entry.before) if changed else None,
                detail={**entry.detail, "cls": entry.resource, "permission": entry.permission, "type": "CRUD"},
            ),
            user=AuditUser(id=entry.user_id, username=entry.user_name) if entry.user_id else None,
        )


class AuditDiff(Shape):
    """State before and after, each as JSON text."""

    before: str | None = None
    after: str | None = None
