"""The engine's look: rows outside the frontier, one indexed query each. What it answers is locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.frontier import Frame, RunRow
from apps.workflows.engine.ports import EndedChild
from apps.workflows.execution_store.load import load_runs
from apps.workflows.execution_store.rows import RUN_COLUMNS, run_from_columns
from apps.workflows.models.loop_values import CHUNK
from apps.workflows.models.task_run import OPEN_STATES
from apps.workflows.plugin_api.state import State

HELD = "state = 'RUNNING' AND token IS NOT NULL AND token NOT LIKE '~%%'"
"""``engine.claims.held`` in SQL: a worker's claim. The percent sign is doubled for the driver."""


class PostgresLook:
    """Look for one step of one execution, whose row the caller holds. ``known`` are ids already in the frontier."""

    def __init__(self, execution_id: str, known: dict[str, RunRow]) -> None:
        self.execution_id = execution_id
        self.known = known

    def loop_value(self, frame: RunRow, index: int) -> str:
        """The value number ``index``. LookupError when the loop has none there."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT vals ->> %s FROM loop_values WHERE task_run_id = %s AND chunk = %s",
                [index % CHUNK, to_uuid(frame.id), index // CHUNK],
            )
            found = cursor.fetchone()
        if found is None or found[0] is None:
            raise LookupError(f"The loop {frame.task_id} ({frame.id}) has no value number {index}")
        return str(found[0])

    def child_at(self, frame: Frame, branch: str, lane: int, idx: int) -> RunRow | None:
        """The child at a place of a lane."""
        found = self._rows(
            "coalesce(parent_id, execution_id) = %s AND branch = %s AND lane = %s AND idx = %s",
            [to_uuid(frame.id), branch, lane, idx],
            "",
        )
        return found[0] if found else None

    def pending(self, limit: int) -> Sequence[RunRow]:
        """Pending runs in order of ``seq``, preceded by the ancestors not yet known."""
        return self._with_ancestors(
            self._rows("execution_id = %s AND pending", [to_uuid(self.execution_id)], "ORDER BY seq LIMIT %s", limit)
        )

    def open_runs(self, limit: int) -> Sequence[RunRow]:
        """Runs that have not ended and that no worker holds, in order of ``seq``, preceded by unknown ancestors."""
        return self._with_ancestors(
            self._rows(
                f"execution_id = %s AND state = ANY(%s) AND NOT ({HELD})",
                [to_uuid(self.execution_id), OPEN_STATES],
                "ORDER BY seq LIMIT %s",
                limit,
            )
        )

    def last_open(self) -> RunRow | None:
        """The youngest run that has not ended."""
        found = self._rows(
            "execution_id = %s AND state = ANY(%s)",
            [to_uuid(self.execution_id), OPEN_STATES],
            "ORDER BY seq DESC LIMIT %s",
            1,
        )
        return found[0] if found else None

    def first_paused(self) -> RunRow | None:
        """The oldest run that is PAUSED; its ancestors join the frontier with it."""
        found = self._with_ancestors(
            self._rows(
                "execution_id = %s AND state = 'PAUSED'", [to_uuid(self.execution_id)], "ORDER BY seq LIMIT %s", 1
            )
        )
        for run in found:
            self.known.setdefault(run.id, run)
        return found[-1] if found else None

    def held_runs(self, limit: int) -> Sequence[tuple[str, str]]:
        """(run id, token) of runs held by a worker; not locked."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, token FROM task_run WHERE execution_id = %s AND {HELD} ORDER BY seq LIMIT %s",  # noqa: S608
                [to_uuid(self.execution_id), limit],
            )
            return [(from_uuid(row[0]), row[1]) for row in cursor.fetchall()]

    def waiting_long(self, before: datetime, limit: int) -> Sequence[RunRow]:
        """Runs, not pending, that wait for a worker or for subflows since before a moment, longest wait first."""
        return self._with_ancestors(
            self._rows(
                "execution_id = %s AND state = ANY(%s) AND NOT pending AND nudged_at < %s"
                " AND (state IN ('CREATED', 'RESTARTED') OR (state = 'RUNNING' AND token LIKE '~%%'))",
                [to_uuid(self.execution_id), OPEN_STATES, before],
                "ORDER BY nudged_at LIMIT %s",
                limit,
            )
        )

    def unkilled_children(self, limit: int) -> Sequence[str]:
        """Runs that are KILLED while an execution they started has not ended."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT e.parent_run_id FROM execution e JOIN task_run t ON t.id = e.parent_run_id"
                " WHERE t.execution_id = %s AND t.state = 'KILLED' AND NOT e.told AND e.end_date IS NULL LIMIT %s",
                [to_uuid(self.execution_id), limit],
            )
            return [from_uuid(row[0]) for row in cursor.fetchall()]

    def ended_children(self, run: RunRow, limit: int) -> Sequence[EndedChild]:
        """Ended child executions of a run, of all its tries, that were not told."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, state, batch, parent_token FROM execution WHERE parent_run_id = %s AND NOT told"
                " AND state IN ('SUCCESS', 'WARNING', 'FAILED', 'KILLED', 'CANCELLED', 'RETRIED')"
                " ORDER BY id LIMIT %s FOR NO KEY UPDATE",
                [to_uuid(run.id), limit],
            )
            return [EndedChild(from_uuid(row[0]), State(row[1]), row[2], row[3]) for row in cursor.fetchall()]

    def group_is_served(self, key: str) -> bool:
        """Whether a process that serves the group runs: those that fell silent are marked within some seconds."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM public.service_instance WHERE state = 'RUNNING' AND kind = 'WORKER'"
                " AND %s = ANY(string_to_array(worker_group, ',')) LIMIT 1",
                [key],
            )
            return cursor.fetchone() is not None

    def missing_batches(self, run: RunRow, below: int, limit: int) -> Sequence[int]:
        """Batches under a number for which the run's try has no child execution."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT n FROM generate_series(0, %s - 1) n WHERE NOT EXISTS (SELECT 1 FROM execution e"
                " WHERE e.parent_run_id = %s AND e.parent_token = %s AND e.batch = n) ORDER BY n LIMIT %s",
                [below, to_uuid(run.id), run.token, limit],
            )
            return [row[0] for row in cursor.fetchall()]

    def _rows(self, where: str, values: list[Any], tail: str, limit: int | None = None) -> list[RunRow]:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {RUN_COLUMNS} FROM task_run WHERE {where} {tail} FOR NO KEY UPDATE",  # noqa: S608 - constants
                values if limit is None else [*values, limit],
            )
            return [run_from_columns(columns) for columns in cursor.fetchall()]

    def _with_ancestors(self, runs: list[RunRow]) -> list[RunRow]:
        loaded = {run.id for run in runs}
        missing = {
            ancestor
            for run in runs
            for ancestor in run.ancestors
            if ancestor not in self.known and ancestor not in loaded
        }
        above = sorted(load_runs(self.execution_id, missing), key=lambda run: len(run.ancestors))
        return above + runs
