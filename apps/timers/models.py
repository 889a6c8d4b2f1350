"""The one table of things that wait for time, for all tenants (architecture.md §6)."""

from __future__ import annotations

from django.db import models


class Timer(models.Model):
    """Something is due at a moment. Written in the transaction of the state it belongs to.

    ``key`` names what waits; for an execution's timers it is ``<execution id>`` or ``<execution id>:<rest>``.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.CharField(max_length=63, db_collation="C")
    kind = models.CharField(max_length=20, db_collation="C")
    key = models.CharField(max_length=255, db_collation="C")
    due_at = models.DateTimeField()

    class Meta:
        db_table = "timer"
        constraints = (models.UniqueConstraint(fields=["tenant", "kind", "key"], name="timer_name"),)
        indexes = (models.Index(fields=["due_at"], name="timer_due"),)

    def __str__(self) -> str:
        return f"{self.tenant} {self.kind} {self.key} {self.due_at:%FT%T}"
