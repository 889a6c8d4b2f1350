"""Which revisions of templates an execution runs."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from apps.common.ids import to_uuid


def pin_templates(execution_id: str, pins: Iterable[tuple[int, int]]) -> None:
    """Write (template, revision) of a new execution, in the caller's transaction."""
    uid = to_uuid(execution_id)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO execution_template (execution_id, template_id, revision) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [[uid, template, revision] for template, revision in pins],
        )
