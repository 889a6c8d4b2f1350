"""Purging a slice of ended executions, or only what belongs to them, with the number of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.execution_store.purge import delete_executions


@dataclass(frozen=True, slots=True)
class PurgedSlice:
    """The ended executions of a slice, and how many rows were deleted of each kind."""

    ids: list[str]
    executions: int
    logs: int
    metrics: int


def purge_slice(execution_ids: Sequence[str], *, executions: bool, logs: bool, metrics: bool) -> PurgedSlice:
    """Purge what of these executions has ended, inside the caller's transaction.

    Locked in the order of their ids; one that another transaction holds, that was restarted, or of whose end a parent
    has not taken note yet is left out. Files are the caller's, after the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM execution WHERE id = ANY(%s) AND end_date IS NOT NULL"
            " AND (parent_run_id IS NULL OR told) ORDER BY id FOR UPDATE SKIP LOCKED",
            [sorted(to_uuid(execution_id) for execution_id in execution_ids)],
        )
        found = [row[0] for row in cursor.fetchall()]
        counts = {"log": 0, "metric": 0}
        for table, wanted in (("log", logs), ("metric", metrics)):
            if wanted and found:
                cursor.execute(f"DELETE FROM {table} WHERE execution_id = ANY(%s)", [found])  # noqa: S608 - constants
                counts[table] = cursor.rowcount
    ids = [from_uuid(item) for item in found]
    deleted = delete_executions(ids, logs=False, metrics=False) if executions and ids else 0
    return PurgedSlice(ids, deleted, counts["log"], counts["metric"])
