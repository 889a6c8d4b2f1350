"""What beat sends: chores that walk over all tenants. Each may come twice or never."""

from celery import shared_task

from apps.instance.services.audit_chores import purge_all, seal_all
from apps.instance.services.deletion import finish_deletions


@shared_task
def seal_audit() -> None:
    """New audit entries get their seal."""
    seal_all()


@shared_task
def purge_audit() -> None:
    """Sealed entries older than their tenant keeps them go."""
    purge_all()


@shared_task
def delete_tenants() -> None:
    """Tenants that were marked lose their bytes, schema and row."""
    finish_deletions()
