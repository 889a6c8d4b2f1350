"""Id of the tenant whose schema is open, read from the connection."""

from typing import Final

from django.db import connection

SCHEMA_PREFIX: Final = "t_"


class NoTenantOpen(RuntimeError):
    """A tenant's table was asked while no tenant's schema is open: wrap the call in tenant_scope(tenant_id)."""


def schema_of(tenant_id: str) -> str:
    """Name of the schema that holds this tenant's tables."""
    return SCHEMA_PREFIX + tenant_id


def current_tenant_id() -> str | None:
    """None while the public schema is open."""
    schema: str = connection.schema_name  # type: ignore[attr-defined]
    return schema.removeprefix(SCHEMA_PREFIX) if schema.startswith(SCHEMA_PREFIX) else None


def require_tenant(what: str = "This") -> str:
    """The open tenant's id. Raises NoTenantOpen."""
    tenant_id = current_tenant_id()
    if tenant_id is None:
        raise NoTenantOpen(f"{what} belongs to a tenant, and none is open: wrap the call in tenant_scope(tenant_id).")
    return tenant_id
