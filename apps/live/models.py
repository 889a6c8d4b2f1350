"""Append-only events that pages follow; one table for all tenants, in hourly partitions (ui.md §5.3)."""

from __future__ import annotations

from django.db import models


class LiveEvent(models.Model):
    """A change of an execution's state, or of another thing pages follow. Kept two hours.

    The partitioned table is made by the first migration in SQL; this model is for reading. ``xid`` is the writing
    transaction: readers take only rows below the snapshot horizon, so that a late commit is not skipped.
    """

    id = models.BigAutoField(primary_key=True)
    xid = models.BigIntegerField()
    tenant = models.CharField(max_length=63)
    topic = models.CharField(max_length=100)
    namespace = models.CharField(max_length=150)
    kind = models.CharField(max_length=30)
    data = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        db_table = "live_event"
        managed = False

    def __str__(self) -> str:
        return f"{self.topic} {self.kind}"
