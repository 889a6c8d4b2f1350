"""Locking an execution and reading what a step begins with. Lock order: execution, then its task runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.common.ids import from_uuid, to_uuid
from apps.workflows.engine.frontier import ExecutionRow, Frontier, RunRow
from apps.workflows.execution_store.rows import (
    EXECUTION_COLUMNS,
    RUN_COLUMNS,
    RUN_COLUMNS_T,
    execution_from_columns,
    run_from_columns,
)

_LISTENS = "(SELECT max(listens) FROM trigger_state WHERE listens > 0)"
"""One look into a small partial index; asked here, a step needs no query of its own for it."""
_HEADER = f"SELECT {EXECUTION_COLUMNS}, trigger_id, {_LISTENS} FROM execution"  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Locked:
    """An execution whose row this transaction holds."""

    execution: ExecutionRow
    flow_ref: int
    labels: tuple[tuple[str, str], ...] = ()
    """Its labels as they were found: what the transaction changes is made searchable with it."""
    trigger_id: str | None = None
    """Of what started it."""
    listens: int = 0
    """Whether Flow triggers of the tenant listen to executions: 1 to their ends, 2 to earlier states too."""


def lock_execution(execution_id: str, *, skip_locked: bool = False) -> Locked | None:
    """Lock and read the execution's header. None when there is none, or (``skip_locked``) another step holds it."""
    sql = f"{_HEADER} WHERE id = %s FOR NO KEY UPDATE"
    if skip_locked:
        sql += " SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(sql, [to_uuid(execution_id)])
        columns = cursor.fetchone()
    return None if columns is None else _locked(columns)


def lock_free_executions(execution_ids: Iterable[str]) -> list[Locked]:
    """Lock and read those of the executions that no other step holds, in the order of their flows. One query, which
    waits for nobody."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_HEADER} WHERE id = ANY(%s) ORDER BY flow_ref, id FOR NO KEY UPDATE SKIP LOCKED",
            [[to_uuid(execution_id) for execution_id in execution_ids]],
        )
        return [_locked(columns) for columns in cursor.fetchall()]


def _locked(columns: Sequence[Any]) -> Locked:
    *own, trigger_id, listens = columns
    execution, flow_ref = execution_from_columns(own)
    return Locked(execution, flow_ref, tuple(execution.labels), trigger_id, listens or 0)


def execution_exists(execution_id: str) -> bool:
    """Whether the execution's row is there (locked or not)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM execution WHERE id = %s", [to_uuid(execution_id)])
        return cursor.fetchone() is not None


def load_runs(execution_id: str, run_ids: Iterable[str]) -> list[RunRow]:
    """Lock and read task runs by id, in the order of their ids; unknown ids are left out."""
    wanted = sorted({to_uuid(run_id) for run_id in run_ids})
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RUN_COLUMNS} FROM task_run"  # noqa: S608 - constants
            " WHERE id = ANY(%s) AND execution_id = %s ORDER BY id FOR NO KEY UPDATE",
            [wanted, to_uuid(execution_id)],
        )
        return [run_from_columns(columns) for columns in cursor.fetchall()]


def read_run(execution_id: str, run_id: str) -> RunRow | None:
    """A task run as it stands, not locked. None when it is gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {RUN_COLUMNS} FROM task_run WHERE id = %s AND execution_id = %s",  # noqa: S608 - constants
            [to_uuid(run_id), to_uuid(execution_id)],
        )
        columns = cursor.fetchone()
    return None if columns is None else run_from_columns(columns)


def ancestors_of(run_id: str) -> tuple[str, ...]:
    """Ids of a run's ancestors, outermost first; empty when the run is gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ancestors FROM task_run WHERE id = %s", [to_uuid(run_id)])
        found = cursor.fetchone()
    return () if found is None else tuple(from_uuid(item) for item in found[0])


def load_frontier(locked: Locked, run_id: str | None, ancestors: tuple[str, ...] | None = None) -> Frontier:
    """The frontier an event begins with: its run and that run's ancestors. Two queries, one if ancestors are given."""
    frontier = Frontier(locked.execution)
    if run_id is None:
        return frontier
    if ancestors is None:
        ancestors = ancestors_of(run_id)
    for run in load_runs(locked.execution.id, (run_id, *ancestors)):
        frontier.runs[run.id] = run
    return frontier


def load_frontiers(held: Sequence[Locked], runs: Mapping[str, str]) -> dict[str, Frontier]:
    """The frontiers of several executions that this transaction holds, by id: of each the run that ``runs`` names and
    that run's ancestors, locked in the order of their ids. One query."""
    frontiers = {locked.execution.id: Frontier(locked.execution) for locked in held}
    wanted = [to_uuid(run_id) for run_id in runs.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.execution_id, {RUN_COLUMNS_T} FROM task_run t WHERE t.execution_id = ANY(%s)"  # noqa: S608 - constants
            " AND t.id = ANY(ARRAY(SELECT unnest(id || ancestors) FROM task_run WHERE id = ANY(%s)))"
            " ORDER BY t.id FOR NO KEY UPDATE OF t",
            [[to_uuid(execution_id) for execution_id in frontiers], wanted],
        )
        for execution_id, *columns in cursor.fetchall():
            run = run_from_columns(columns)
            frontiers[from_uuid(execution_id)].runs[run.id] = run
    return frontiers
