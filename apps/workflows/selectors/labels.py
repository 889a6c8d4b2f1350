"""The labels of an execution as they are now: a Labels task or a person may have changed them meanwhile."""

from __future__ import annotations

import json

from django.db import connection

from apps.common.ids import to_uuid


def read_labels(execution_id: str) -> list[tuple[str, str]]:
    """(key, value) in order; none when the execution is gone. One query by primary key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT labels FROM execution WHERE id = %s", [to_uuid(execution_id)])
        row = cursor.fetchone()
    return [] if row is None else [(label["key"], label["value"]) for label in json.loads(row[0])]
