"""The values of an open loop, a hundred to a row, so that a step reads only the one it needs."""

from __future__ import annotations

from django.db import models

from apps.common.models import ShortIdField, TenantRow

CHUNK = 100
"""Values in one row."""


class LoopValues(TenantRow):
    """Written once when the loop opens."""

    pk = models.CompositePrimaryKey("task_run_id", "chunk")
    task_run_id = ShortIdField()
    chunk = models.IntegerField()
    vals = models.JSONField()

    class Meta(TenantRow.Meta):
        db_table = "loop_values"

    def __str__(self) -> str:
        return f"{self.task_run_id} {self.chunk}"
