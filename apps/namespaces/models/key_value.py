"""KeyValue: a KV pair of a namespace. The row says what there is; the value lies in internal storage."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key
from apps.namespaces.catalog import KvType


def alive(now: datetime) -> Q:
    """The condition on pairs that have not expired."""
    return Q(expires__isnull=True) | Q(expires__gt=now)


def expired(now: datetime) -> Q:
    """The condition on pairs whose time is over and that were not purged yet."""
    return Q(expires__lte=now)


class KeyValue(TenantRow, TimestampedRow):
    """``version`` names the file that holds the value: a value is never changed in place, its row points to a new one.

    So a reader meets the old pair or the new one, and whatever dies between file and row leaves at most a file that
    nothing points to.
    """

    id: ShortIdField[str, str] = short_id_key()
    namespace = models.CharField(max_length=150, db_collation="C")
    key = models.CharField(max_length=200, db_collation="C")
    type = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in KvType])
    version = ShortIdField()
    size = models.BigIntegerField()
    description = models.TextField(blank=True)
    expires = models.DateTimeField(null=True)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["namespace", "key"], name="kv_key"),)
        indexes = (models.Index("expires", condition=Q(expires__isnull=False), name="kv_expires"),)

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key} ({self.type})"

    def is_expired(self, now: datetime) -> bool:
        """Whether the pair's time is over: it is gone for every reader, although its row may still be there."""
        return self.expires is not None and self.expires <= now
