"""Flow: one row per flow for ever, one more per revision; and the numbers that stand for namespaces."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from apps.common.models import TenantRow


class NamespaceRef(TenantRow):
    """A namespace that ever held a flow, as a small number (read-side.md §2)."""

    ref = models.AutoField(primary_key=True)
    name = models.CharField(max_length=150, unique=True, db_collation="C")

    class Meta(TenantRow.Meta):
        db_table = "namespace_ref"

    def __str__(self) -> str:
        return self.name


class Flow(TenantRow):
    """The newest state of a flow. Kept, marked deleted, for as long as executions name it.

    ``uid`` is the row's number, which executions carry as ``flow_ref``; ``flow_id`` is the user's own id.
    """

    uid = models.AutoField(primary_key=True)
    namespace = models.CharField(max_length=150, db_collation="C")
    flow_id = models.CharField(max_length=100, db_collation="C")
    namespace_ref = models.IntegerField()
    revision = models.IntegerField()
    disabled = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    description = models.TextField(default="", blank=True)
    labels = models.JSONField(default=list)
    source = models.TextField()
    initials = models.CharField(max_length=100, db_collation="C", default="")
    words = SearchVectorField(null=True)
    task_types = ArrayField(models.TextField(), default=list)
    trigger_ids = ArrayField(models.TextField(), default=list)
    trigger_types = ArrayField(models.TextField(), default=list)
    created = models.DateTimeField()
    updated = models.DateTimeField()

    class Meta(TenantRow.Meta):
        db_table = "flow"
        constraints = (models.UniqueConstraint(fields=["namespace", "flow_id"], name="flow_namespace_id"),)
        indexes = (
            GinIndex(fields=["words"], name="flow_words"),
            models.Index(fields=["initials"], name="flow_initials"),
        )

    def __str__(self) -> str:
        return f"{self.namespace}.{self.flow_id}"


class FlowRevision(TenantRow):
    """The source of a flow at one revision. Deleting a flow adds a revision marked deleted."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="revisions")
    revision = models.IntegerField()
    source = models.TextField()
    deleted = models.BooleanField(default=False)
    author_id = models.CharField(max_length=22, default="", blank=True, db_collation="C")
    created = models.DateTimeField()

    class Meta(TenantRow.Meta):
        db_table = "flow_revision"
        constraints = (models.UniqueConstraint(fields=["flow", "revision"], name="flow_revision_number"),)

    def __str__(self) -> str:
        return f"{self.flow_id} r{self.revision}"
