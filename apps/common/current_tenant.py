"""Which schema is open: the id of its tenant, and opening another for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def opened_schema(schema: str) -> Iterator[None]:
    """The schema is open inside, what was open before is open again after it; for those that know that it is there."""
    before = connection.tenant  # type: ignore[attr-defined]
    connection.set_schema(schema)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.set_tenant(before)  # type: ignore[attr-defined]
