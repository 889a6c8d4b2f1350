"""Reads of tenants."""

import time
from typing import Final

from apps.common.errors import NotFound
from apps.tenants.models import Tenant

CACHE_SECONDS: Final = 30
_known: dict[str, tuple[float, Tenant]] = {}


def get_tenant(tenant_id: str) -> Tenant:
    """Raises NotFound, also for one that is being deleted."""
    found = Tenant.objects.filter(pk=tenant_id, deleted_at=None).first()
    if found is None:
        raise NotFound(f"There is no tenant '{tenant_id[:64]}'.")
    return found


def get_open_tenant(tenant_id: str) -> Tenant:
    """The same, remembered in this process for half a minute: each request asks."""
    until, tenant = _known.get(tenant_id, (0.0, None))
    if tenant is None or until < time.monotonic():
        forget_tenant(tenant_id)
        tenant = get_tenant(tenant_id)
        _known[tenant_id] = (time.monotonic() + CACHE_SECONDS, tenant)
    return tenant


def forget_tenant(tenant_id: str) -> None:
    """After a change here; other processes follow when their half minute is over."""
    _known.pop(tenant_id, None)
