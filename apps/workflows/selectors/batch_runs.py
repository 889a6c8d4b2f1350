"""The task run that started an execution for each batch, and what those executions gave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid


@dataclass(frozen=True, slots=True)
class BatchRun:
    """An ended run; ``tries`` is how many tries it had before the last one."""

    id: str
    tries: int
    batches: int


def find_batch_run(execution_id: str, task_id: str, loop_key: bytes) -> BatchRun | None:
    """The newest run of a task at one place of its loops; None when it started nothing. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, jsonb_array_length(coalesce(attempts, '[]')), (outputs ->> 'numberOfBatches')::int"
            " FROM task_run WHERE execution_id = %s AND task_id = %s AND loop_key = %s ORDER BY seq DESC LIMIT 1",
            [to_uuid(execution_id), task_id, loop_key],
        )
        row = cursor.fetchone()
    return None if row is None or not row[2] else BatchRun(from_uuid(row[0]), max(row[1] - 1, 0), row[2])


def read_flow_outputs(execution_ids: Sequence[str]) -> list[dict[str, Any] | None]:
    """The flow outputs of executions, in the order given; None where there are none. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, outputs FROM execution WHERE id = ANY(%s)", [[to_uuid(name) for name in execution_ids]]
        )
        found = {from_uuid(row[0]): row[1] for row in cursor.fetchall()}
    held = [found.get(name) for name in execution_ids]
    return [None if outputs is None else json.loads(outputs) for outputs in held]
