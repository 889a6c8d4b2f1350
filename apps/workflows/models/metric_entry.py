"""MetricEntry: a number a task reported."""

from __future__ import annotations

from django.db import models

from apps.common.models import ShortIdField, TenantRow


class MetricEntry(TenantRow):
    """``kind`` is counter or timer; a timer's value is in milliseconds."""

    id = models.BigAutoField(primary_key=True)
    execution_id = ShortIdField()
    task_run_id = ShortIdField()
    flow_ref = models.IntegerField()
    task_id = models.CharField(max_length=255, db_collation="C")
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=255, db_collation="C")
    value = models.FloatField()
    tags = models.JSONField(default=dict)
    ts = models.DateTimeField()

    class Meta(TenantRow.Meta):
        db_table = "metric"
        indexes = (
            models.Index(fields=["execution_id", "id"], name="metric_execution"),
            models.Index(fields=["flow_ref", "name", "ts"], name="metric_flow"),
        )

    def __str__(self) -> str:
        return f"{self.name}={self.value}"
