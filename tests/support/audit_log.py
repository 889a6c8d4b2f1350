"""What tests of the audit log share: entries, seals, and what somebody does who owns the database."""

import time
from typing import Any, Final

from django.db import connection

from apps.audit.chain import seal_entries
from apps.audit.models import AuditEntry
from apps.audit.services import record

MASTER: Final = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
"""A master key."""
TABLES: Final = ("audit_auditentry", "audit_auditseal", "audit_auditcheckpoint")


def note(name: str, **more: Any) -> AuditEntry:
    return record(acting_user=None, action="UPDATE", resource="Flow", detail={"flowId": name}, **more)


def tamper(sql: str, values: list[Any] | None = None) -> None:
    """As somebody would who owns the database and lets its triggers sleep."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            cursor.execute(sql, values)
        finally:
            cursor.execute("SET session_replication_role = origin")


def seal(entries: int) -> None:
    """Until so many are sealed. Another transaction of the same server, a test beside this one, holds them back."""
    deadline, sealed = time.monotonic() + 60, 0
    while sealed < entries:
        sealed += seal_entries()
        assert time.monotonic() < deadline, f"only {sealed} of {entries} entries were sealed within a minute"
        time.sleep(0 if sealed == entries else 0.02)
    assert sealed == entries


def empty_log() -> None:
    """The open schema's log as it is at first."""
    tamper(f"TRUNCATE {', '.join(TABLES)}, audit_audithead")
