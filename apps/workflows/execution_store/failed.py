"""Inserting an execution that has failed before its first step."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from apps.common.current_tenant import require_tenant
from apps.common.ids import to_uuid
from apps.workflows.execution_store.create import NewExecution, insert_execution
from apps.workflows.execution_store.json_text import clean_text
from apps.workflows.execution_store.save import LogRow, insert_logs
from apps.workflows.plugin_api.task import Level


def insert_failed(new: NewExecution, message: str, now: datetime) -> bool:
    """Insert it with its end and its error, in the caller's transaction. False: one of that id is there already."""
    if not insert_execution(require_tenant(), new, now):
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE execution SET end_date = %s, duration_ms = 0, error = %s WHERE id = %s",
            [now, clean_text(message).partition("\n")[0][:300], to_uuid(new.id)],
        )
    insert_logs(new.id, new.flow_ref, [LogRow(None, 0, Level.ERROR, now, message)])
    return True
