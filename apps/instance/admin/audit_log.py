"""The installation's own audit log and its seals in the admin console: read only. Tenants have pages of theirs."""

import json

from django.contrib import admin
from django.utils.html import format_html

from apps.audit.models import AuditEntry, AuditSeal
from apps.common.admin import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """What was done to tenants, people and the installation."""

    list_display = ("date", "user_name", "type", "resource", "told", "means", "ip_address")
    list_filter = ("type", "resource", "means")
    search_fields = ("user_name", "resource", "detail")
    ordering = ("-id",)
    fields = (
        "date",
        "type",
        "resource",
        "user_name",
        "user_id",
        "impersonated_by",
        "means",
        "ip_address",
        "shown_detail",
        "shown_before",
        "shown_after",
    )
    readonly_fields = fields

    @admin.display(description="Details")
    def told(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {value}" for name, value in list(entry.detail.items())[:3])

    @admin.display(description="Details")
    def shown_detail(self, entry: AuditEntry) -> str:
        return _as_text(entry.detail)

    @admin.display(description="Before")
    def shown_before(self, entry: AuditEntry) -> str:
        return _as_text(entry.before)

    @admin.display(description="After")
    def shown_after(self, entry: AuditEntry) -> str:
        return _as_text(entry.after)


@admin.register(AuditSeal)
class AuditSealAdmin(ReadOnlyAdmin[AuditSeal]):
    """`manage.py verify_audit` verifies them."""

    list_display = ("number", "sealed_at", "count", "hash", "key_id")
    fields = (
        "number",
        "sealed_at",
        "count",
        "first_id",
        "last_id",
        "root",
        "previous",
        "hash",
        "key_id",
        "signature",
    )
    readonly_fields = fields
    ordering = ("-number",)


def _as_text(value: object) -> str:
    if value is None:
        return "-"
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))
