"""The tries of an execution's task runs, for conditions about them."""

from __future__ import annotations

from django.db import connection

from apps.common.ids import to_uuid
from apps.workflows.execution_store.json_text import parse
from apps.workflows.execution_store.rows import attempts_from_json
from apps.workflows.plugin_api.state import State

MOST = 10_000
"""Task runs that are looked at."""


def list_attempts(execution_id: str) -> list[list[State]]:
    """The last state of each try, for each task run that was tried more than once. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attempts FROM task_run WHERE execution_id = %s AND jsonb_array_length(attempts) > 1 LIMIT %s",
            [to_uuid(execution_id), MOST],
        )
        rows = [attempts_from_json(parse(row[0])) for row in cursor.fetchall()]
    return [[attempt.histories[-1].state for attempt in attempts] for attempts in rows]
