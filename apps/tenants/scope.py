"""Opens a tenant's schema for requests, jobs and commands; a tenant's table asked outside is an error, never a leak."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from apps.common.current_tenant import opened_schema, schema_of


class UnknownTenant(LookupError):
    """There is no tenant with this id, or its schema was dropped."""

    def __init__(self, tenant_id: str) -> None:
        super().__init__(f"There is no tenant '{tenant_id[:64]}'.")
        self.tenant_id = tenant_id


@contextmanager
def tenant_scope(tenant_id: str) -> Iterator[None]:
    """The tenant's schema is open inside; what was open before is open again after it. One query.

    Raises UnknownTenant: without the check, tables that public has too would be read there.
    """
    schema = schema_of(tenant_id)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", [schema])
        if cursor.fetchone() is None:
            raise UnknownTenant(tenant_id)
    with opened_schema(schema):
        yield


@contextmanager
def public_scope() -> Iterator[None]:
    """Only the public schema is open inside."""
    with opened_schema("public"):
        yield
