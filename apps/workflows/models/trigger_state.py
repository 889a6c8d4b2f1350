"""TriggerState: where each trigger of a flow stands; what it is gathering; why it did or did not start the flow."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.common.models import ShortIdField, TenantRow


class TriggerState(TenantRow):
    """One row per trigger of a flow that is not deleted, kept in step with the flow's newest revision.

    ``off`` is what the source says (the trigger or its flow is disabled), ``disabled`` what a person said.
    ``look_at`` is when it is evaluated next, ``next_date`` the date shown: the first that its conditions let pass.
    ``execution_id`` is the execution it waits for: while that runs, a trigger of dates starts no other.
    """

    class Kind(models.TextChoices):
        TIME = "TIME"
        POLL = "POLL"
        FLOW = "FLOW"
        WEBHOOK = "WEBHOOK"
        STREAM = "STREAM"
        OTHER = "OTHER"

    id = models.BigAutoField(primary_key=True)
    flow_ref = models.IntegerField()
    namespace = models.CharField(max_length=150, db_collation="C")
    flow_id = models.CharField(max_length=100, db_collation="C")
    trigger_id = models.CharField(max_length=255, db_collation="C")
    type = models.CharField(max_length=255, db_collation="C")
    kind = models.CharField(max_length=10, choices=Kind.choices, db_collation="C")
    signature = models.CharField(max_length=64, db_collation="C")
    off = models.BooleanField(default=False)
    disabled = models.BooleanField(default=False)
    date = models.DateTimeField(null=True)
    look_at = models.DateTimeField(null=True)
    next_date = models.DateTimeField(null=True)
    backfill = models.JSONField(null=True)
    stop_after = ArrayField(models.CharField(max_length=10), default=list)
    states = ArrayField(models.CharField(max_length=10), default=list)
    listens = models.SmallIntegerField(default=0)
    execution_id = ShortIdField(null=True)
    evaluating_since = models.DateTimeField(null=True)
    claim = models.CharField(max_length=60, default="", db_collation="C")
    worker_id = models.CharField(max_length=60, default="", db_collation="C")
    updated = models.DateTimeField()

    class Meta(TenantRow.Meta):
        db_table = "trigger_state"
        constraints = (
            models.UniqueConstraint(fields=["namespace", "flow_id", "trigger_id"], name="trigger_state_name"),
        )
        indexes = (
            models.Index(fields=["listens"], condition=Q(listens__gt=0), name="trigger_state_listens"),
            models.Index(fields=["flow_ref"], name="trigger_state_flow"),
        )

    def __str__(self) -> str:
        return f"{self.namespace}.{self.flow_id}.{self.trigger_id}"

    @property
    def sleeps(self) -> bool:
        """Whether it starts nothing, because the source or a person says so."""
        return self.off or self.disabled


class TriggerWindow(TenantRow):
    """What a Flow trigger has gathered: by name of condition, when it came true."""

    id = models.BigAutoField(primary_key=True)
    trigger = models.ForeignKey(TriggerState, on_delete=models.CASCADE, related_name="windows")
    window_id = models.CharField(max_length=255, db_collation="C")
    ends_at = models.DateTimeField()
    results = models.JSONField(default=dict)

    class Meta(TenantRow.Meta):
        db_table = "trigger_window"
        constraints = (models.UniqueConstraint(fields=["trigger", "window_id"], name="trigger_window_name"),)
        indexes = (models.Index(fields=["ends_at"], name="trigger_window_end"),)

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.window_id}"


class TriggerEvaluation(TenantRow):
    """One look of a trigger: what came of it, and every condition with what it saw. The last ones are kept."""

    class Outcome(models.TextChoices):
        STARTED = "STARTED"
        CONDITIONS = "CONDITIONS", "conditions do not hold"
        WAITING = "WAITING", "other executions are waited for"
        NOTHING = "NOTHING", "nothing was found"
        RUNNING = "RUNNING", "the execution before still runs"
        MISSED = "MISSED", "the date passed and is not made up for"
        LATE = "LATE", "the date is too late"
        QUOTA = "QUOTA", "the tenant's quota is used up"
        FAILED = "FAILED", "the evaluation failed"

    id = models.BigAutoField(primary_key=True)
    trigger = models.ForeignKey(TriggerState, on_delete=models.CASCADE, related_name="evaluations")
    at = models.DateTimeField()
    date = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, db_collation="C")
    message = models.TextField(default="", blank=True)
    conditions = models.JSONField(default=list)
    source_id = ShortIdField(null=True)
    execution_id = ShortIdField(null=True)

    class Meta(TenantRow.Meta):
        db_table = "trigger_evaluation"
        indexes = (models.Index(fields=["trigger", "-id"], name="trigger_evaluation_last"),)

    def __str__(self) -> str:
        return f"{self.trigger_id} {self.outcome}"
