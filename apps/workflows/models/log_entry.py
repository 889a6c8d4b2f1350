"""LogEntry: one line of a task run's log. Task and flow names are joined when it is shown, not stored."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from apps.common.models import ShortIdField, TenantRow


class LogEntry(TenantRow):
    """``level`` is 1 (TRACE) to 5 (ERROR). ``id`` gives the order of lines of the same moment."""

    id = models.BigAutoField(primary_key=True)
    execution_id = ShortIdField(null=True)
    task_run_id = ShortIdField(null=True)
    flow_ref = models.IntegerField()
    ts = models.DateTimeField()
    level = models.SmallIntegerField()
    attempt = models.SmallIntegerField(null=True)
    trigger_id = models.CharField(max_length=255, null=True, db_collation="C")  # noqa: DJ001 - null: of a task run
    message = models.TextField()

    class Meta(TenantRow.Meta):
        db_table = "log"
        indexes = (
            models.Index(fields=["execution_id", "id"], name="log_execution"),
            BrinIndex(fields=["ts"], pages_per_range=32, name="log_ts"),
        )

    def __str__(self) -> str:
        return self.message[:80]
