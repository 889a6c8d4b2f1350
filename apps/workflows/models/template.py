"""Template: a list of tasks that flows take in, with all it ever was; and which revisions an execution runs."""

from __future__ import annotations

from django.db import models

from apps.common.models import ShortIdField, TenantRow


class Template(TenantRow):
    """The newest state of a template. Kept, marked deleted: executions may still run it."""

    namespace = models.CharField(max_length=150, db_collation="C")
    template_id = models.CharField(max_length=100, db_collation="C")
    revision = models.IntegerField()
    description = models.TextField(default="", blank=True)
    source = models.TextField()
    deleted = models.BooleanField(default=False)
    created = models.DateTimeField()
    updated = models.DateTimeField()

    class Meta(TenantRow.Meta):
        db_table = "template"
        constraints = (models.UniqueConstraint(fields=["namespace", "template_id"], name="template_namespace_id"),)

    def __str__(self) -> str:
        return f"{self.namespace}.{self.template_id}"


class TemplateRevision(TenantRow):
    """The source of a template at one revision."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="revisions")
    revision = models.IntegerField()
    source = models.TextField()

    class Meta(TenantRow.Meta):
        db_table = "template_revision"
        constraints = (models.UniqueConstraint(fields=["template", "revision"], name="template_revision_number"),)

    def __str__(self) -> str:
        return f"{self.template_id} r{self.revision}"


class ExecutionTemplate(TenantRow):
    """A template at the revision an execution runs, written with the execution: a change does not reach it."""

    pk = models.CompositePrimaryKey("execution_id", "template_id")
    execution_id = ShortIdField()
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="+")
    revision = models.IntegerField()

    class Meta(TenantRow.Meta):
        db_table = "execution_template"

    def __str__(self) -> str:
        return f"{self.execution_id} {self.template_id} r{self.revision}"
