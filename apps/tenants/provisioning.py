"""Makes a tenant's schema by copying a template, migrates all, drops one.

The template is a migrated schema that belongs to no tenant, named for the set of migrations it has: another version of
the product has another one. It is built by the bootstrap, and by whoever finds it missing.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django_tenants.utils import quote_schema_name
from psycopg.sql import SQL, Identifier, Literal

from apps.tenants.cloning import copy_schema
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope
from apps.tenants.selectors import forget_tenant

AT_ONCE: Final = 500
TEMPLATE_PREFIX: Final = "template_"
"""No tenant's schema begins like that."""
TEMPLATE_LOCK: Final = 4_816_233
"""Any number that no other advisory lock of the product has: shared while a template is copied, else exclusive."""
_COUNT: Final = SQL(
    "SELECT {name}, count(DISTINCT (app, name)) FROM {schema}.django_migrations"
    " WHERE (app, name) IN (SELECT * FROM unnest(%(apps)s::text[], %(names)s::text[]))"
)


def create_tenant_row(*, tenant_id: str, name: str) -> Tenant:
    """The row and its schema with all tables, or neither: some hundred milliseconds when the template is there.

    Raises ValidationError for a bad id and IntegrityError for one that is taken.
    """
    tenant = Tenant(id=tenant_id, name=name)
    tenant.clean_fields(exclude=["schema_name"])
    ensure_template()
    with public_scope(), transaction.atomic():
        tenant.save(force_insert=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [TEMPLATE_LOCK])
        copy_schema(template_schema(), tenant.schema_name)
    return tenant


@cache
def _migrations() -> tuple[tuple[str, str], ...]:
    """(app, name) of all that this version has; they do not change while a process lives."""
    return tuple(sorted(MigrationLoader(None).disk_migrations or ()))


@cache
def template_schema() -> str:
    """The name of the template with exactly the migrations of this version."""
    names = [f"{app}.{name}" for app, name in _migrations()]
    return TEMPLATE_PREFIX + hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def ensure_template(*, verbosity: int = 0) -> bool:
    """The template is there and complete afterwards. False when it was; else it runs all migrations (seconds).

    One that was interrupted is gone on with; two that find it missing wait for one another.
    """
    name = template_schema()
    if not pending_schemas([name]):
        return False
    with session_lock(TEMPLATE_LOCK):
        if not pending_schemas([name]):
            return False
        migrate_tenants([name], verbosity=verbosity)
    return True


def drop_old_templates() -> list[str]:
    """Those of other versions; answers their names. While one is copied or built, that is left to the next start.

    A process of an older version that is still at work builds its own again when it needs one.
    """
    with public_scope(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) AND nspname <> %s",
            [TEMPLATE_PREFIX, template_schema()],
        )
        old = [name for (name,) in cursor.fetchall()]
    if not old:
        return []
    with session_lock(TEMPLATE_LOCK, wait=False) as held, public_scope(), connection.cursor() as cursor:
        if not held:
            return []
        for name in old:
            cursor.execute(f"DROP SCHEMA IF EXISTS {quote_schema_name(name)} CASCADE")
    return old


@contextmanager
def session_lock(number: int, *, wait: bool = True) -> Iterator[bool]:
    """An advisory lock on a connection of its own: migrations close this process's. False: somebody else has it."""
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)" if wait else "SELECT pg_try_advisory_lock(%s)", [number])
            row = cursor.fetchone()
            held = wait or bool(row and row[0])
            try:
                yield held
            finally:
                if held:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
    finally:
        own.close()


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
    wanted = list(_migrations())
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
