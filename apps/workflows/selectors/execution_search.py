"""Searching executions in two phases: an index-only scan finds ids, then only the page's rows are fetched.

The shapes, and which index drives, are those of read-side.md §4 and §5.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import connection

from apps.common.errors import IllegalArgument
from apps.common.ids import to_uuid
from apps.workflows.selectors.conditions import Conditions
from apps.workflows.selectors.executions import COLUMNS, ExecutionRow, read_row
from apps.workflows.selectors.limits import COUNT_MILLISECONDS, LIST_MILLISECONDS, TookTooLong, time_limit

MAX_OFFSET: Final = 1_000_000
SORT_WINDOW: Final = 100_000
"""Most executions that are sorted by something no index has."""
RARITY_LIMIT: Final = 10_001
"""Up to here the rows of a label are counted to find the rarest."""
DEFAULT_ORDER: Final = ("-start_date",)
SORTABLE: Final = {
    "id": "id",
    "startDate": "start_date",
    "state.startDate": "start_date",
    "state.duration": "duration_ms",
    "duration": "duration_ms",
    "state.endDate": "end_date",
    "endDate": "end_date",
    "state.current": "state",
    "state": "state",
    "namespace": "namespace",
    "flowId": "flow_id",
}
_INDEXED_ORDERS: Final = frozenset({"start_date", "duration_ms", "id"})


@dataclass(slots=True)
class ExecutionFilter:
    """What a search asks for. All of it is required.

    ``flow_refs`` None means all flows. ``terms`` are labels as numbers (execution_store's ``label_term``). ``rows``
    holds conditions on ``e`` that no index covers.
    """

    flow_refs: Sequence[int] | None = None
    states: Sequence[str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    terms: Sequence[int] = ()
    ids: tuple[Any, Any] | None = None
    rows: Conditions = field(default_factory=Conditions)

    @property
    def impossible(self) -> bool:
        """True when nothing can be found, so that nothing need be asked."""
        return (self.flow_refs is not None and not self.flow_refs) or (self.states is not None and not self.states)


@dataclass(frozen=True, slots=True)
class After:
    """A keyset cursor: the place after which the page begins, in the default order; or before which it ends."""

    start_date: datetime
    execution_id: str
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class ExecutionPage:
    """A page of executions. ``exact`` is false when ``total`` is an estimate."""

    rows: Sequence[ExecutionRow]
    total: int
    exact: bool
    has_next: bool


def search_executions(
    wanted: ExecutionFilter,
    *,
    size: int,
    offset: int = 0,
    order: Sequence[str] = DEFAULT_ORDER,
    after: After | None = None,
    with_total: bool = True,
    count_most: int | None = None,
) -> ExecutionPage:
    """A page of at most ``size``; two queries, one more to choose among several labels, none when nothing can match.

    Beyond ``count_most`` nothing is counted: the total is one more then, and not exact.

    IllegalArgument when the offset, the sort or the search itself would read too much.
    """
    if offset > MAX_OFFSET:
        raise IllegalArgument(
            f"Page through at most {MAX_OFFSET} executions; narrow the search by startDate and endDate."
        )
    if wanted.impossible:
        return ExecutionPage([], 0, True, False)
    scan = scan_of(wanted)
    if any(name.removeprefix("-") not in _INDEXED_ORDERS for name in order):
        _check_sortable(scan)
    if after is not None:
        sign = ">" if after.backwards else "<"
        scan.conditions.add(f"({scan.start}, {scan.id}) {sign} (%s, %s)", after.start_date, to_uuid(after.execution_id))
        if after.backwards:
            order = ("start_date",)
    try:
        rows = _read_page(scan, order, offset, size)
    except TookTooLong as error:
        raise IllegalArgument(
            "This search reads too much; narrow it by startDate, namespace or flowId, or sort by state.startDate."
        ) from error
    has_next = len(rows) > size
    rows = rows[:size]
    if after is not None and after.backwards:
        rows.reverse()
    if not with_total:
        return ExecutionPage(rows, offset + len(rows), not has_next, has_next)
    if after is None and not has_next and (rows or offset == 0):
        return ExecutionPage(rows, offset + len(rows), True, False)
    total, exact = count_executions(wanted, most=count_most)
    return ExecutionPage(rows, total if exact else max(total, offset + len(rows) + has_next), exact, has_next)


def count_executions(wanted: ExecutionFilter, *, most: int | None = None) -> tuple[int, bool]:
    """(how many, whether that is exact). Counted under a time limit; beyond it the planner's estimate.

    With ``most`` at most that many and one more are counted.
    """
    if wanted.impossible:
        return 0, True
    scan = scan_of(wanted)
    try:
        with time_limit(COUNT_MILLISECONDS), connection.cursor() as cursor:
            if most is None:
                cursor.execute(f"SELECT count(*) {scan.sql}", scan.conditions.values)
            else:
                cursor.execute(
                    f"SELECT count(*) FROM (SELECT 1 {scan.sql} LIMIT %s) AS counted",  # noqa: S608
                    [*scan.conditions.values, most + 1],
                )
            count = int(cursor.fetchone()[0])
            return count, most is None or count <= most
    except TookTooLong:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT 1 {scan.sql}", scan.conditions.values)
            return int(cursor.fetchone()[0][0]["Plan"]["Plan Rows"]), False


def list_execution_ids(wanted: ExecutionFilter, *, most: int) -> list[str]:
    """Ids of at most ``most`` + 1 executions, newest first: the one too many says that there are more."""
    if wanted.impossible:
        return []
    return [row.id for row in search_executions(wanted, size=most + 1, with_total=False).rows]


@dataclass(slots=True)
class Scan:
    """Tables and conditions of a search, and what its columns are called there."""

    tables: str
    id: str
    start: str
    conditions: Conditions
    joined: bool

    @property
    def sql(self) -> str:
        """From FROM on, without an order."""
        return f"FROM {self.tables}{self.conditions.where}"

    def column(self, name: str) -> str:
        if name == "start_date":
            return self.start
        if name == "flow_ref":
            return f"{self.id.split('.')[0]}.flow_ref"
        return self.id if name == "id" else f"e.{name}"


def scan_of(wanted: ExecutionFilter, *, needs: Collection[str] = ()) -> Scan:
    """Phase one: tables and conditions, driven by the index that reads least (read-side.md §4).

    ``needs`` are columns of the execution that the caller reads beside its id, start and flow. One query to choose
    among several labels.
    """
    driving = _driving_term(wanted)
    needs_execution = bool(
        driving is None or wanted.states is not None or wanted.rows.parts or set(needs) - {"flow_ref"}
    )
    conditions = Conditions()
    if driving is None:
        scan = Scan("execution e", "e.id", "e.start_date", conditions, True)
        ref = "e.flow_ref"
    else:
        tables = "execution_label l" + (" JOIN execution e ON e.id = l.execution_id" if needs_execution else "")
        scan = Scan(tables, "l.execution_id", "l.start_date", conditions, needs_execution)
        ref = "l.flow_ref"
        conditions.add("l.term = %s", driving)
    if wanted.flow_refs is not None:
        conditions.add(f"{ref} = ANY(%s::int[])", list(wanted.flow_refs))
    if wanted.states is not None:
        # Written inline, so that the planner can prove that the index without SUCCESS will do.
        conditions.add(f"e.state IN ({', '.join(['%s'] * len(wanted.states))})", *wanted.states)
    if wanted.start is not None:
        conditions.add(f"{scan.start} >= %s", wanted.start)
    if wanted.end is not None:
        conditions.add(f"{scan.start} <= %s", wanted.end)
    if wanted.ids is not None:
        conditions.add(f"{scan.id} BETWEEN %s AND %s", *wanted.ids)
    for term in wanted.terms:
        if term != driving:
            conditions.add(
                "EXISTS (SELECT 1 FROM execution_label x WHERE x.term = %s"  # noqa: S608
                f" AND x.start_date = {scan.start} AND x.execution_id = {scan.id})",
                term,
            )
    for part in wanted.rows.parts:
        conditions.parts.append(part)
    conditions.values.extend(wanted.rows.values)
    return scan


def _driving_term(wanted: ExecutionFilter) -> int | None:
    """The label to drive by; None when another index reads less."""
    one_flow = wanted.flow_refs is not None and len(wanted.flow_refs) == 1
    rare_states = wanted.states is not None and "SUCCESS" not in wanted.states
    if not wanted.terms or one_flow or rare_states or wanted.ids is not None:
        return None
    if len(wanted.terms) == 1:
        return wanted.terms[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.term FROM unnest(%s::bigint[]) AS t(term) ORDER BY (SELECT count(*) FROM"
            " (SELECT 1 FROM execution_label l WHERE l.term = t.term LIMIT %s) AS counted) LIMIT 1",
            [list(wanted.terms), RARITY_LIMIT],
        )
        return int(cursor.fetchone()[0])


def _check_sortable(scan: Scan) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 {scan.sql} LIMIT %s) AS counted",  # noqa: S608
            [*scan.conditions.values, SORT_WINDOW + 1],
        )
        if cursor.fetchone()[0] > SORT_WINDOW:
            raise IllegalArgument(
                f"More than {SORT_WINDOW} executions cannot be sorted so; narrow the search or sort by state.startDate."
            )


def _read_page(scan: Scan, order: Sequence[str], offset: int, size: int) -> list[ExecutionRow]:
    names = [name.removeprefix("-") for name in order]
    if not scan.joined and any(name not in {"start_date", "id"} for name in names):
        scan.tables += " JOIN execution e ON e.id = l.execution_id"
        scan.joined = True
    ends = [] if "id" in names else [f"{scan.id} {'DESC' if order[0].startswith('-') else 'ASC'}"]
    directions = [
        f"{scan.column(name.removeprefix('-'))} {'DESC NULLS LAST' if _nullable(name) else 'DESC'}"
        if name.startswith("-")
        else scan.column(name)
        for name in order
    ]
    columns = ", ".join(f"e.{name.strip()}" for name in COLUMNS.split(","))
    sql = (
        f"WITH k AS MATERIALIZED (SELECT found.id, row_number() OVER () AS n FROM ("  # noqa: S608
        f"SELECT {scan.id} AS id {scan.sql}"
        f" ORDER BY {', '.join([*directions, *ends])} LIMIT %s OFFSET %s) AS found)"
        f" SELECT {columns} FROM k JOIN execution e ON e.id = k.id ORDER BY k.n"
    )
    with time_limit(LIST_MILLISECONDS), connection.cursor() as cursor:
        cursor.execute(sql, [*scan.conditions.values, size + 1, offset])
        return [read_row(row) for row in cursor.fetchall()]


def _nullable(name: str) -> bool:
    return name.removeprefix("-") in {"duration_ms", "end_date"}
