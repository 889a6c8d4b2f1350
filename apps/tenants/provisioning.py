"""Makes a tenant's schema by migrations, migrates all, drops one."""

from collections.abc import Iterable
from typing import Final

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import quote_schema_name
from psycopg.sql import SQL, Identifier, Literal

from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope
from apps.tenants.selectors import forget_tenant

AT_ONCE: Final = 500
_COUNT: Final = SQL(
    "SELECT {name}, count(DISTINCT (app, name)) FROM {schema}.django_migrations"
    " WHERE (app, name) IN (SELECT * FROM unnest(%(apps)s::text[], %(names)s::text[]))"
)


def create_tenant_row(*, tenant_id: str, name: str) -> Tenant:
    """The row and its schema with all tables. Runs migrations, so never inside a transaction that may roll back late.

    Raises ValidationError for a bad id and IntegrityError for one that is taken; a schema half made is dropped.
    """
    tenant = Tenant(id=tenant_id, name=name)
    tenant.clean_fields(exclude=["schema_name"])
    with public_scope():
        tenant.save(force_insert=True)
        try:
            migrate_tenants([tenant.schema_name])
        except BaseException:
            drop_tenant(tenant)
            raise
    return tenant


def drop_tenant(tenant: Tenant) -> None:
    """The row and everything in its schema, or neither."""
    with public_scope(), transaction.atomic():
        with connection.cursor() as cursor:
            # a table cannot go while a check of its foreign keys is put off to the commit
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute(f"DROP SCHEMA IF EXISTS {quote_schema_name(tenant.schema_name)} CASCADE")
        tenant_id = tenant.pk
        tenant.delete()
    forget_tenant(tenant_id)


def migrate_shared(*, verbosity: int = 0) -> bool:
    """Public's tables. False when there was nothing to do."""
    if not pending_schemas(["public"]):
        return False
    with public_scope():
        call_command("migrate_schemas", shared=True, interactive=False, verbosity=verbosity)
    return True


def migrate_tenants(schemas: Iterable[str], *, verbosity: int = 0) -> None:
    """These schemas, one after another, each made if it is missing. What is done already is left alone, so it may be
    run again after a failure."""
    for schema in schemas:
        with public_scope():
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_schema_name(schema)}")
            call_command("migrate_schemas", tenant=True, schema_name=schema, interactive=False, verbosity=verbosity)


def pending_schemas(schemas: Iterable[str]) -> list[str]:
    """Those that lack a migration or are missing. Two queries for up to 500 schemas, and no migration plan."""
    asked = list(schemas)
    wanted = list(MigrationLoader(None).disk_migrations or ())
    values = {"apps": [app for app, _ in wanted], "names": [name for _, name in wanted]}
    done: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'django_migrations' AND schemaname = ANY(%s)", [asked]
        )
        there = [schema for (schema,) in cursor.fetchall()]
        for start in range(0, len(there), AT_ONCE):
            parts = [
                _COUNT.format(name=Literal(schema), schema=Identifier(schema))
                for schema in there[start : start + AT_ONCE]
            ]
            cursor.execute(SQL(" UNION ALL ").join(parts), values)
            done |= {schema for schema, count in cursor.fetchall() if count == len(wanted)}
    return [schema for schema in asked if schema not in done]
