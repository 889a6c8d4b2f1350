"""Deleting a tenant: marked in the request, taken away by a chore that may be interrupted anywhere."""

from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.clock import now
from apps.common.errors import IllegalState, ProductError
from apps.storage.internal_storage import delete_tenant_files
from apps.tenants.models import Tenant
from apps.tenants.provisioning import drop_tenant
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope
from apps.tenants.selectors import CACHE_SECONDS, forget_tenant

log = structlog.get_logger(__name__)

FORGOTTEN: Final = timedelta(seconds=CACHE_SECONDS)
"""By then every process has forgotten that the tenant was open."""


def mark_deleted(*, acting_user: User | None, tenant: Tenant) -> None:
    """Nobody enters the tenant any more; its files, rows and schema go within about a minute and cannot be had back.

    Raises IllegalState for the default tenant.
    """
    if tenant.pk == settings.KESTRA_DEFAULT_TENANT:
        raise IllegalState("The default tenant cannot be deleted: give KESTRA_EE_DEFAULT_TENANT another one first.")
    with public_scope(), transaction.atomic():
        tenant.deleted_at = now()
        tenant.save(update_fields=["deleted_at"])
        record(
            acting_user=acting_user, action="DELETE", resource="Tenant", detail={"id": tenant.pk, "name": str(tenant)}
        )
    forget_tenant(tenant.pk)


def finish_deletions() -> int:
    """Takes away what was marked long enough ago; answers how many tenants. One whose storage cannot be reached stays
    marked and is tried again."""
    with public_scope():
        marked = list(Tenant.objects.filter(deleted_at__lte=now() - FORGOTTEN))
    done = 0
    for tenant in marked:
        try:
            take_away(tenant)
            done += 1
        except ProductError as error:
            log.error("tenant not deleted yet, it will be tried again", tenant=tenant.pk, error=error.message)
    return done


def take_away(tenant: Tenant) -> None:
    """Files first, since the choice where they lie is in the schema; then what waits for time; then schema and row.

    May be repeated after a failure. Raises StorageFailed.
    """
    try:
        with tenant_scope(tenant.pk):
            delete_tenant_files()
    except UnknownTenant:
        log.info("the schema of the tenant was gone already", tenant=tenant.pk)
    with public_scope():
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM timer WHERE tenant = %s", [tenant.pk])
        drop_tenant(tenant)
