"""Namespace: settings of a dotted path that somebody created; others exist only because flows use them."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.common.models import TenantRow, TimestampedRow


class Namespace(TenantRow, TimestampedRow):
    """``allowed_namespaces`` None: every namespace may use this one's flows, KV pairs, files and secrets; an empty
    list: none but itself. ``variables`` and ``plugin_defaults`` are inherited by the namespaces below.
    """

    id = models.CharField(primary_key=True, max_length=150, db_collation="C")
    description = models.TextField(blank=True)
    variables: Any = models.JSONField(default=dict)
    plugin_defaults: Any = models.JSONField(default=list)
    allowed_namespaces: Any = models.JSONField(null=True)
    worker_group: Any = models.JSONField(null=True)

    class Meta(TenantRow.Meta):
        ordering = ("id",)

    def __str__(self) -> str:
        return self.id
