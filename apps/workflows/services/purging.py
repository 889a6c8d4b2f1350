"""Purging ended executions and lines of logs, slice by slice, each committed for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction

from apps.audit.services import Actor, record
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.storage.internal_storage import execution_address, open_storage
from apps.timers.services import drop_timers
from apps.workflows.execution_store.purge_slice import purge_slice
from apps.workflows.plugin_api.executions import Purged, Selection
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.execution_search import After, ExecutionFilter, search_executions
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.selectors.flows import list_flow_refs

SLICE: Final = 200
"""Executions of one transaction."""
LINES: Final = 10_000
"""Lines of log of one transaction."""
WINDOW: Final = timedelta(hours=1)
ENDED: Final = tuple(state.value for state in State if state.ended)


def purge_executions(
    *,
    acting_user: Actor | None,
    selection: Selection,
    executions: bool = True,
    logs: bool = True,
    metrics: bool = True,
    files: bool = True,
    check: Callable[[], None] = lambda: None,
) -> Purged:
    """Purge ended executions of a selection; answers how many of each kind. ``check`` may stop it between slices."""
    wanted = ExecutionFilter(
        flow_refs=flow_refs(selection),
        states=[state for state in ENDED if not selection.states or state in selection.states],
        start=selection.start,
        end=selection.end,
    )
    purged = Purged()
    after: After | None = None
    while True:
        check()
        page = search_executions(wanted, size=SLICE, after=after, with_total=False)
        if not page.rows:
            break
        purged = _sum(purged, _purge_page(page.rows, executions=executions, logs=logs, metrics=metrics, files=files))
        if not page.has_next:
            break
        after = After(page.rows[-1].start_date, page.rows[-1].id)
    _record(acting_user, "Execution", selection, asdict(purged))
    return purged


def purge_logs(
    *,
    acting_user: Actor | None,
    selection: Selection,
    levels: Sequence[Level] = (),
    check: Callable[[], None] = lambda: None,
) -> int:
    """Delete lines of a period, those of triggers too; answers how many. ``check`` may stop it between slices."""
    chosen = Conditions()
    refs = flow_refs(selection)
    if refs is not None:
        chosen.add("l.flow_ref = ANY(%s::int[])", refs)
    if levels:
        chosen.add("l.level = ANY(%s::int[])", [level.rank for level in levels])
    count = 0
    for window in _windows(selection.start, selection.end):
        conditions = Conditions([*chosen.parts, *window.parts], [*chosen.values, *window.values])
        deleted = LINES
        while deleted == LINES:
            check()
            with connection.cursor() as cursor:
                cursor.execute(
                    f"DELETE FROM log WHERE id IN (SELECT l.id FROM log l{conditions.where} LIMIT %s)",  # noqa: S608
                    [*conditions.values, LINES],
                )
                deleted = int(cursor.rowcount)
            count += deleted
    _record(acting_user, "Log", selection, {"count": count})
    return count


def flow_refs(selection: Selection) -> list[int] | None:
    """Numbers of the flows of a selection, deleted ones too; None: all."""
    named = Conditions()
    if selection.namespace is not None and selection.flow_id is None:
        named.add("(f.namespace = %s OR starts_with(f.namespace, %s))", selection.namespace, f"{selection.namespace}.")
    elif selection.namespace is not None:
        named.add("f.namespace = %s", selection.namespace)
    if selection.flow_id is not None:
        named.add("f.flow_id = %s", selection.flow_id)
    return list_flow_refs(named) if named.parts else None


def _windows(start: datetime | None, end: datetime | None) -> Iterator[Conditions]:
    """The period cut into hours, oldest first: a slice then looks at the lines of one hour, not again at all those
    that the slices before it have deleted. Lines older than the one that was stored first are in the first cut.
    """
    until = read_clock() if end is None else end
    with connection.cursor() as cursor:
        cursor.execute("SELECT l.ts FROM log l ORDER BY l.id LIMIT 1")
        row = cursor.fetchone()
    if row is None:
        return
    edge = max(row[0], start) if start is not None else row[0]
    low = start
    while edge < min(until, read_clock()):
        yield _between(low, edge, "<")
        low, edge = edge, edge + WINDOW
    yield _between(low, until, "<=")


def _between(low: datetime | None, high: datetime, compared: str) -> Conditions:
    conditions = Conditions([f"l.ts {compared} %s"], [high])
    if low is not None:
        conditions.add("l.ts >= %s", low)
    return conditions


def _purge_page(rows: Sequence[ExecutionRow], *, executions: bool, logs: bool, metrics: bool, files: bool) -> Purged:
    by_id = {row.id: row for row in rows}
    with transaction.atomic():
        done = purge_slice(list(by_id), executions=executions, logs=logs, metrics=metrics)
        if executions:
            drop_timers(require_tenant(), [(kind, name) for name in done.ids for kind in ("watch", "continue")])
    removed = 0
    if files:
        storage = open_storage()
        for name in done.ids:
            row = by_id[name]
            removed += len(storage.delete_prefix(execution_address(row.namespace, row.flow_id, row.id)))
    return Purged(executions=done.executions, logs=done.logs, metrics=done.metrics, files=removed)


def _sum(one: Purged, other: Purged) -> Purged:
    return Purged(
        one.executions + other.executions, one.logs + other.logs, one.metrics + other.metrics, one.files + other.files
    )


def _record(acting_user: Actor | None, resource: str, selection: Selection, counts: dict[str, int]) -> None:
    detail = {
        "namespace": selection.namespace,
        "flowId": selection.flow_id,
        "startDate": None if selection.start is None else selection.start.isoformat(),
        "endDate": None if selection.end is None else selection.end.isoformat(),
        "action": "purge",
    }
    record(
        acting_user=acting_user,
        action="DELETE",
        resource=resource,
        detail={name: value for name, value in detail.items() if value is not None} | counts,
        permission="EXECUTION",
    )
