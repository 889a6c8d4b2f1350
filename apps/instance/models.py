"""ServiceInstance: a process, kept alive by its heartbeat. WorkerGroup: a pool of workers that flows may name."""

from __future__ import annotations

from django.db import models

from apps.common.models import ShortIdField


class ServiceInstance(models.Model):
    """One process. Its id is the beginning of every claim token it gives out, so a dead process's claims are found.

    ``state`` is RUNNING, TERMINATED_GRACEFULLY, DISCONNECTED (its heartbeat stopped; its claims are being given back)
    or NOT_RUNNING (they have been).
    """

    id = ShortIdField(primary_key=True)
    kind = models.CharField(max_length=12)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    worker_group = models.CharField(max_length=63, default="", blank=True)
    version = models.CharField(max_length=40)
    state = models.CharField(max_length=24)
    started = models.DateTimeField()
    heartbeat = models.DateTimeField()

    class Meta:
        db_table = "service_instance"
        indexes = (models.Index(fields=["state", "heartbeat"], name="service_heartbeat"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"


class WorkerGroup(models.Model):
    """A group as it was announced. Workers join it by its key; without ``allowed_tenants`` all tenants may use it."""

    id = ShortIdField(primary_key=True)
    key = models.CharField(max_length=63, unique=True)
    description = models.TextField(default="", blank=True)
    allowed_tenants = models.JSONField(default=list, blank=True)

    class Meta:
        db_table = "worker_group"

    def __str__(self) -> str:
        return self.key
