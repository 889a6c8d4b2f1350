"""DataKey: a key that encrypts a tenant's data, itself encrypted (wrapped) by the master key."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.common.clock import now


class DataKey(models.Model):
    """Lies in each tenant's schema, and in public for what belongs to the instance.

    One key is active and encrypts; the others only decrypt what was written before a rotation. ``master_key_id`` is a
    fingerprint of the master key that wrapped it, so that a wrong master key is told from damaged data.
    """

    id = models.CharField(primary_key=True, max_length=22, db_collation="C")
    wrapped = models.BinaryField()
    master_key_id = models.CharField(max_length=16, db_collation="C")
    active = models.BooleanField()
    created = models.DateTimeField(default=now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["active"], condition=Q(active=True), name="encryption_one_active_key"),
        )

    def __str__(self) -> str:
        return f"{self.id} ({'active' if self.active else 'decrypts only'})"
