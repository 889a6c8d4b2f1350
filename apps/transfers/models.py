"""Transfer: one copy of a place's files or secrets from the backend before into the one that holds now."""

from __future__ import annotations

from django.db import models

from apps.common.ids import new_id
from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key
from apps.isolation.catalog import Kind


class TransferState(models.TextChoices):
    """A transfer that meets an error stays RUNNING and is tried again; it FAILED when trying again is no use."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Transfer(TenantRow, TimestampedRow):
    """``source_type`` empty: the instance's own backend. ``cursor``: the last file (or namespace, key) that is done."""

    id: ShortIdField[str, str] = short_id_key()
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    namespace = models.CharField(max_length=150, blank=True, db_collation="C")
    state = models.CharField(max_length=10, choices=TransferState.choices, default=TransferState.RUNNING)
    source_type = models.CharField(max_length=60, blank=True)
    source_configuration = models.TextField(blank=True)
    source_version = ShortIdField(default=new_id)
    target_type = models.CharField(max_length=60)
    cursor = models.TextField(blank=True)
    copied = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    requested_by = models.CharField(max_length=254, blank=True)
    ended = models.DateTimeField(null=True)

    class Meta(TenantRow.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "namespace"], condition=models.Q(state="RUNNING"), name="transfer_one_at_a_time"
            ),
        )
        indexes = (models.Index(fields=["kind", "namespace", "created"], name="transfer_newest"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.namespace or 'the tenant'}: {self.state}"
