"""How many executions of a flow hold a place of its concurrency limit."""

from __future__ import annotations

from django.db import models

from apps.common.models import TenantRow


class FlowSlot(TenantRow):
    """One row per flow that has a limit; taken by a conditional update."""

    pk = models.CompositePrimaryKey("namespace", "flow_id")
    namespace = models.CharField(max_length=150, db_collation="C")
    flow_id = models.CharField(max_length=100, db_collation="C")
    running = models.IntegerField(default=0)

    class Meta(TenantRow.Meta):
        db_table = "flow_slot"

    def __str__(self) -> str:
        return f"{self.namespace}.{self.flow_id}: {self.running}"
