"""Counts of executions by day and of lines by hour, folded off the hot path; dashboards read them."""

from __future__ import annotations

from django.db import models

from apps.common.models import TenantRow


class Fold(TenantRow):
    """How far a fold has come: ``at`` its last run, ``position`` what is done, ``mark`` what can be done when every
    transaction before ``horizon`` has ended."""

    what = models.CharField(max_length=20, primary_key=True, db_collation="C")
    at = models.DateTimeField()
    position = models.CharField(max_length=60, default="", db_collation="C")
    mark = models.BigIntegerField(default=0)
    horizon = models.BigIntegerField(default=0)

    class Meta(TenantRow.Meta):
        db_table = "fold"

    def __str__(self) -> str:
        return self.what


class ExecutionDay(TenantRow):
    """Executions of a namespace that started on a day (UTC), by the state they are in, as last counted."""

    pk = models.CompositePrimaryKey("day", "namespace", "state")
    day = models.DateField()
    namespace = models.CharField(max_length=150, db_collation="C")
    state = models.CharField(max_length=10, db_collation="C")
    count = models.BigIntegerField()
    duration_ms = models.BigIntegerField(default=0)

    class Meta(TenantRow.Meta):
        db_table = "exec_day"

    def __str__(self) -> str:
        return f"{self.day} {self.namespace} {self.state}: {self.count}"


class LogHour(TenantRow):
    """Lines that a namespace wrote within an hour (UTC), by level; lines that are deleted later stay counted."""

    pk = models.CompositePrimaryKey("hour", "namespace")
    hour = models.DateTimeField()
    namespace = models.CharField(max_length=150, db_collation="C")
    trace = models.BigIntegerField(default=0)
    debug = models.BigIntegerField(default=0)
    info = models.BigIntegerField(default=0)
    warn = models.BigIntegerField(default=0)
    error = models.BigIntegerField(default=0)

    class Meta(TenantRow.Meta):
        db_table = "log_hour"

    def __str__(self) -> str:
        return f"{self.hour} {self.namespace}"
