"""Chores of the audit log that walk over public and all tenants: seal, purge, verify."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Identifier, Literal

from apps.audit.chain import purge_sealed, seal_entries
from apps.audit.services import record
from apps.audit.verification import Verdict, verify_chain
from apps.common.clock import now
from apps.common.current_tenant import opened_schema, schema_of
from apps.encryption.services import is_configured
from apps.tenants.models import Tenant
from apps.tenants.scope import public_scope

log = structlog.get_logger(__name__)

INSTANCE: Final = "instance"
"""What public's own audit log is called: no tenant may be called so."""
AT_ONCE: Final = 200
_HAS_NEW: Final = SQL(
    "SELECT {name} WHERE EXISTS (SELECT FROM {schema}.audit_auditentry WHERE (xid, id) > ("
    "SELECT coalesce(max(upto_xid), 0)::text::xid8, '00000000-0000-0000-0000-000000000000'::uuid"
    " FROM {schema}.audit_auditseal) OR EXISTS (SELECT FROM {schema}.audit_auditseal"
    " WHERE upto_xid > pg_snapshot_xmax(pg_current_snapshot())::text::bigint))"
)


def seal_all() -> int:
    """Seals what is new in public and each tenant; answers how many entries. A query for 200 tenants tells which have
    something new, so that those that rest cost nothing. Without a master key it says so in the log and does nothing.
    """
    if not is_configured():
        log.warning("audit log not sealed: KESTRA_EE_MASTER_KEY is not set")
        return 0
    sealed = 0
    for schema in _schemas_with_news():
        with opened_schema(schema):
            sealed += seal_entries()
    return sealed


def purge_all() -> int:
    """Deletes sealed entries that are older than their tenant keeps them; answers how many. The purge is an entry of
    the log itself."""
    purged = 0
    for schema, days in _retentions():
        with opened_schema(schema):
            count = purge_sealed(now() - timedelta(days=days))
            if count:
                record(
                    acting_user=None,
                    action="DELETE",
                    resource="AuditLog",
                    detail={"action": "purge", "count": count, "olderThanDays": days},
                    permission="AUDITLOG",
                )
            purged += count
    return purged


def verify(name: str, *, expected_head: str = "") -> Verdict:
    """The verdict on one tenant's log, or that of the INSTANCE."""
    with opened_schema("public" if name == INSTANCE else schema_of(name)):
        return verify_chain(expected_head=expected_head)


def _schemas_with_news() -> Iterator[str]:
    with public_scope():
        schemas = ["public", *Tenant.objects.order_by("pk").values_list("schema_name", flat=True)]
        for start in range(0, len(schemas), AT_ONCE):
            yield from _with_news(schemas[start : start + AT_ONCE])


def _with_news(schemas: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname FROM pg_tables WHERE tablename = 'audit_auditseal' AND schemaname = ANY(%s)", [schemas]
        )
        there = [schema for (schema,) in cursor.fetchall()]
        if not there:
            return []
        parts = [_HAS_NEW.format(name=Literal(schema), schema=Identifier(schema)) for schema in there]
        cursor.execute(SQL(" UNION ALL ").join(parts))
        return [schema for (schema,) in cursor.fetchall()]


def _retentions() -> Iterable[tuple[str, int]]:
    """(schema, days) of those that keep their log for a time only."""
    with public_scope():
        found = [
            (tenant.schema_name, int(tenant.retention["auditDays"]))
            for tenant in Tenant.objects.filter(retention__auditDays__gt=0)
        ]
    if settings.KESTRA_AUDIT_RETENTION_DAYS:
        found.append(("public", settings.KESTRA_AUDIT_RETENTION_DAYS))
    return found
