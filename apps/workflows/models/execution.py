"""Execution: one run of a flow revision, and its labels as searchable rows."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from apps.common.models import ShortIdField, TenantRow


class Execution(TenantRow):
    """One run. It keeps the flow's name and revision as values, since it outlives the flow.

    The columns from ``cursor`` on belong to the engine (engine-frames.md §2); the last ones serve lists
    (read-side.md §2). Written only by ``execution_store``.
    """

    id = ShortIdField(primary_key=True)
    namespace = models.CharField(max_length=150, db_collation="C")
    flow_id = models.CharField(max_length=100, db_collation="C")
    flow_revision = models.IntegerField()
    flow_ref = models.IntegerField()
    state = models.CharField(max_length=10, db_collation="C")
    histories = models.JSONField(default=list)
    inputs = models.JSONField(null=True)
    labels = models.JSONField(default=list)
    variables = models.JSONField(null=True)
    outputs = models.JSONField(null=True)
    trigger = models.JSONField(null=True)
    parent_id = ShortIdField(null=True)
    original_id = ShortIdField(null=True)
    schedule_date = models.DateTimeField(null=True)

    cursor = models.JSONField(null=True)
    pending = models.BooleanField(default=False)
    paused = models.IntegerField(default=0)
    hold = models.BooleanField(default=False)
    slot = models.BooleanField(default=False)
    parent_execution_id = ShortIdField(null=True)
    parent_run_id = ShortIdField(null=True)
    parent_token = models.CharField(max_length=60, null=True, db_collation="C")  # noqa: DJ001 - null: nobody waits
    batch = models.IntegerField(null=True)
    told = models.BooleanField(default=False)
    attempt_number = models.IntegerField(default=1)
    original_created = models.DateTimeField(null=True)

    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    correlation = models.CharField(max_length=255, null=True, db_collation="C")  # noqa: DJ001 - null: its own id
    trigger_id = models.CharField(max_length=255, null=True, db_collation="C")  # noqa: DJ001 - null: no trigger
    trigger_type = models.CharField(max_length=255, null=True, db_collation="C")  # noqa: DJ001 - null: no trigger
    error = models.CharField(max_length=300, null=True)  # noqa: DJ001 - null: did not fail

    class Meta(TenantRow.Meta):
        db_table = "execution"
        indexes = (
            models.Index(
                F("start_date").desc(),
                F("id").desc(),
                include=["flow_ref", "state", "duration_ms"],
                name="x_time",
            ),
            models.Index(
                F("flow_ref"),
                F("start_date").desc(),
                F("id").desc(),
                include=["state", "duration_ms"],
                name="x_flow",
            ),
            models.Index(
                F("state"),
                F("start_date").desc(),
                F("id").desc(),
                include=["flow_ref"],
                condition=~Q(state="SUCCESS"),
                name="x_state",
            ),
            models.Index(
                fields=["correlation", "start_date"], condition=Q(correlation__isnull=False), name="x_correlation"
            ),
            models.Index(fields=["parent_id", "start_date"], condition=Q(parent_id__isnull=False), name="x_parent"),
            models.Index(
                fields=["parent_run_id"], condition=Q(parent_run_id__isnull=False, told=False), name="x_waiting_parent"
            ),
            models.Index(fields=["namespace", "flow_id", "start_date"], condition=Q(state="QUEUED"), name="x_queued"),
        )

    def __str__(self) -> str:
        return str(self.id)


class ExecutionLabel(TenantRow):
    """Two rows per label, for 'key' and for 'key=value', written once when the execution is created.

    ``term`` is the first eight bytes of a digest of that text (read-side.md §2).
    """

    pk = models.CompositePrimaryKey("term", "start_date", "execution_id")
    term = models.BigIntegerField()
    start_date = models.DateTimeField()
    execution_id = ShortIdField()
    flow_ref = models.IntegerField()

    class Meta(TenantRow.Meta):
        db_table = "execution_label"

    def __str__(self) -> str:
        return f"{self.term} {self.execution_id}"
