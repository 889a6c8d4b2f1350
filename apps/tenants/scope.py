"""Opens a tenant's schema for requests, jobs and commands; a tenant's table asked outside is an error, never a leak."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection
from django_tenants.utils import quote_schema_name

from apps.common.current_tenant import opened_schema, schema_of

_ENTER: Final = (
    "SELECT set_config('search_path', %s, false) FROM pg_catalog.pg_namespace WHERE nspname = %s"  # one or no row
)


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
    with opened_schema(schema_of(tenant_id)):
        if not enter_schema():
            raise UnknownTenant(tenant_id)
        yield


def enter_schema() -> bool:
    """Set the search path to the schema that is open; False, and nothing set, when the database has no such schema.

    The check and the setting are one query, in place of the one that the next cursor would make by itself.
    """
    paths = connection._get_cursor_search_paths()  # type: ignore[attr-defined]
    connection.search_path_set_schemas = paths  # type: ignore[attr-defined]
    try:
        with connection.cursor() as cursor:
            cursor.execute(_ENTER, [", ".join(quote_schema_name(path) for path in paths), paths[0]])
            found = cursor.fetchone() is not None
    except BaseException:
        connection.search_path_set_schemas = None  # type: ignore[attr-defined]
        raise
    if not found:
        connection.search_path_set_schemas = None  # type: ignore[attr-defined]
    return found


@contextmanager
def public_scope() -> Iterator[None]:
    """Only the public schema is open inside."""
    with opened_schema("public"):
        yield
