"""What Celery runs for namespaces."""

import structlog
from celery import shared_task

from apps.namespaces.services import purge_expired_kv, sweep_kv_files
from apps.tenants.models import Tenant
from apps.tenants.scope import UnknownTenant, tenant_scope

log = structlog.get_logger(__name__)


@shared_task
def clean_up_kv() -> None:
    """In each tenant: remove pairs whose time is over, and value files that a crash left behind."""
    for tenant_id in Tenant.objects.order_by("pk").values_list("pk", flat=True):
        try:
            with tenant_scope(tenant_id):
                purge_expired_kv()
                sweep_kv_files()
        except UnknownTenant:
            log.warning("tenant without a schema passed over", tenant=tenant_id)
