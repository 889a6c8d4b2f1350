"""What waits for time, and what one process holds at a time, for all tenants (architecture.md §6)."""

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


class Lease(models.Model):
    """Work without an end that one process at a time may do, as long as it keeps saying that it lives.

    ``free_at`` is when another process may take it: the end of the lease while it is held, now or later when it is not.
    ``token`` is that of the process which holds it; what is done under another token does not count.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.CharField(max_length=63, db_collation="C")
    kind = models.CharField(max_length=20, db_collation="C")
    key = models.CharField(max_length=255, db_collation="C")
    pool = models.CharField(max_length=255, db_collation="C")
    token = models.CharField(max_length=60, default="", db_collation="C")
    free_at = models.DateTimeField()
    failures = models.IntegerField(default=0)

    class Meta:
        db_table = "timer_lease"
        constraints = (models.UniqueConstraint(fields=["tenant", "kind", "key"], name="timer_lease_name"),)
        indexes = (models.Index(fields=["kind", "pool", "free_at"], name="timer_lease_free"),)

    def __str__(self) -> str:
        return f"{self.tenant} {self.kind} {self.key} {self.free_at:%FT%T}"
