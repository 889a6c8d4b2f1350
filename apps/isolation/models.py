"""The storage or secret backend that was chosen for a namespace or the whole tenant, and the one before."""

from __future__ import annotations

from typing import Final

from django.db import models

from apps.common.ids import new_id
from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key
from apps.isolation.catalog import Kind

WHOLE_TENANT: Final = ""
"""In place of a namespace."""


class BackendChoice(TenantRow, TimestampedRow):
    """``configuration`` is encrypted JSON; ``version`` changes with each save, so what is older shows."""

    id: ShortIdField[str, str] = short_id_key()
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    namespace = models.CharField(max_length=150, blank=True, db_collation="C")
    type = models.CharField(max_length=60)
    configuration = models.TextField()
    version = ShortIdField(default=new_id)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["kind", "namespace"], name="isolation_choice"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.namespace or 'the tenant'}: {self.type}"


class FormerChoice(TenantRow, TimestampedRow):
    """Where a place's bytes or secrets lay before the last change, so that they can be copied.

    An empty ``type``: in what held around it.
    """

    id: ShortIdField[str, str] = short_id_key()
    kind = models.CharField(max_length=8, choices=[(kind.value, kind.value) for kind in Kind])
    namespace = models.CharField(max_length=150, blank=True, db_collation="C")
    type = models.CharField(max_length=60, blank=True)
    configuration = models.TextField(blank=True)
    version = ShortIdField(default=new_id)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint(fields=["kind", "namespace"], name="isolation_former"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.namespace or 'the tenant'} before: {self.type or 'as around it'}"
