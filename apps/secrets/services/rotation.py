"""A new data key for a tenant, and its secrets and choices of backends encrypted with it."""

from __future__ import annotations

from typing import Any, Final

from django.db import models, transaction

from apps.audit.services import record
from apps.common.current_tenant import require_tenant
from apps.encryption.services import decrypt, encrypt, rotate_data_key
from apps.isolation.models import BackendChoice
from apps.secrets.models import Secret

BATCH: Final = 200


def rotate_tenant_key(*, only_reencrypt: bool = False) -> int:
    """A new key in the open tenant, then every secret of the table and every choice under it; answers how many texts.

    In batches of one transaction each. After a failure repeat it with `only_reencrypt`: what is done is left alone.
    Encrypted inputs of executions, and mails that wait, keep the former key, which stays to read them.
    """
    tenant_id = require_tenant("The rotation of a data key")
    if not only_reencrypt:
        with transaction.atomic():
            detail = {"id": rotate_data_key(), "tenant": tenant_id}
            record(acting_user=None, action="UPDATE", resource="DataKey", detail=detail, permission="TENANT")
    return _reencrypted(Secret, "value") + _reencrypted(BackendChoice, "configuration")


def _reencrypted(model: Any, field: str) -> int:
    current = encrypt("").rsplit(".", 1)[0] + "."
    done = 0
    while True:
        with transaction.atomic():
            wanted: models.QuerySet[Any] = model.objects.exclude(**{f"{field}__startswith": current})
            rows = list(wanted.select_for_update().order_by("pk")[:BATCH])
            for row in rows:
                setattr(row, field, encrypt(decrypt(getattr(row, field))))
            model.objects.bulk_update(rows, [field])
        if not rows:
            return done
        done += len(rows)
