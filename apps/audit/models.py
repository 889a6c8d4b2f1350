"""AuditEntry: one thing somebody did. The same table in public (instance) and in each tenant."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from apps.common.clock import now
from apps.common.models import ShortIdField, short_id_key


class AuditType(models.TextChoices):
    """What was done."""

    CREATE = "CREATE"
    READ = "READ"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    LOGIN = "LOGIN"
    LOGOUT = "LOGOUT"
    IMPERSONATE = "IMPERSONATE"


class AuditEntry(models.Model):
    """Never changed. No foreign keys: it outlives the person and the thing. `before` and `after` hold no secrets."""

    id: "ShortIdField[str, str]" = short_id_key()
    date = models.DateTimeField(default=now)
    type = models.CharField(max_length=12, choices=AuditType.choices)
    resource = models.CharField(max_length=63)
    permission = models.CharField(max_length=63, blank=True)
    namespace = models.CharField(max_length=150, blank=True)
    user_id = ShortIdField(null=True)
    user_name = models.CharField(max_length=254, blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    impersonated_by = ShortIdField(null=True)
    detail: Any = models.JSONField(default=dict)
    before: Any = models.JSONField(null=True)
    after: Any = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index("date", name="audit_date"),
            models.Index("namespace", "id", name="audit_namespace"),
            models.Index("user_id", "id", name="audit_user"),
            GinIndex(fields=["detail"], name="audit_detail", opclasses=["jsonb_path_ops"]),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.resource} by {self.user_name or 'the system'}"
