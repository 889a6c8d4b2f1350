"""How far an execution is, for people who only want to know that."""

from __future__ import annotations

from django.db import connection

from apps.common.ids import to_uuid

_ENDED = ["SUCCESS", "WARNING", "FAILED", "KILLED", "SKIPPED", "CANCELLED", "RETRIED"]


def read_progress(execution_id: str) -> int:
    """Tasks of the flow's own list that have ended. One query over the execution's own children."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM task_run t WHERE t.execution_id = %s"
            " AND coalesce(t.parent_id, t.execution_id) = %s AND t.branch = 'm' AND t.state = ANY(%s)",
            [to_uuid(execution_id), to_uuid(execution_id), _ENDED],
        )
        row = cursor.fetchone()
    return 0 if row is None else int(row[0])
