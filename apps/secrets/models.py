"""Secret: the encrypted value of a key in a namespace, for those whose backend is this database."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key


class Secret(TenantRow, TimestampedRow):
    """``value`` is encrypted with the tenant's data key and opens in no other tenant."""

    id: ShortIdField[str, str] = short_id_key()
    namespace = models.CharField(max_length=150, db_collation="C")
    key = models.CharField(max_length=200, db_collation="C")
    value = models.TextField()
    description = models.TextField(blank=True)
    tags: Any = models.JSONField(default=dict)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["namespace", "key"], name="secret_key"),)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key}"
