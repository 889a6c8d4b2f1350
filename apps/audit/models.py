"""AuditEntry: one thing somebody did; AuditSeal: entries bound into a chain. The same tables in public (instance) and
in each tenant. Triggers of the database refuse to change or delete a row (migration 0002)."""

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
    EXPORT = "EXPORT"


class AuditEntry(models.Model):
    """Never changed. No foreign keys: it outlives the person and the thing. `before` and `after` hold no secrets.

    ``means`` tells how the caller proved who it is: session, basic, token; system for jobs and commands. The column
    ``xid``, the writing transaction, is known to SQL only: a trigger sets it, and seals follow it.
    """

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
    means = models.CharField(max_length=12, default="system")
    detail: Any = models.JSONField(default=dict)
    before: Any = models.JSONField(null=True)
    after: Any = models.JSONField(null=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index("date", name="audit_date"),
            models.Index("namespace", "id", name="audit_namespace"),
            models.Index("user_id", "id", name="audit_user"),
            GinIndex(fields=["detail"], name="audit_detail", opclasses=["jsonb_path_ops"]),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.resource} by {self.user_name or 'the system'}"


class AuditSeal(models.Model):
    """Up to a thousand entries, each as its id (16 bytes) and digest (32), bound to the seal before by its hash.

    ``upto_xid`` and ``upto_id`` are the place in (transaction, id) up to which everything is sealed.
    """

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    first_id = ShortIdField()
    last_id = ShortIdField()
    count = models.IntegerField()
    leaves = models.BinaryField()
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    upto_xid = models.BigIntegerField()
    upto_id = ShortIdField()
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=64)

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"seal {self.number}"


class AuditCheckpoint(models.Model):
    """What a purge leaves: the number and hash of the last seal that went, and how many entries went in all."""

    number = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    purged = models.BigIntegerField()
    made_at = models.DateTimeField()
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"purged up to seal {self.number}"


class AuditHead(models.Model):
    """The end of the chain, signed: without it, who removes the last seals would leave no trace. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"head at seal {self.number}"
