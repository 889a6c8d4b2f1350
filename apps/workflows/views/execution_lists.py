"""Searching executions for a page: the same filter as the API's, by keyset where the order allows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apps.common.errors import IllegalArgument
from apps.common.ids import is_id
from apps.common.search_filters import BadFilter
from apps.common.search_filters.keys import Problem
from apps.workflows.selectors.execution_search import (
    SORTABLE,
    After,
    ExecutionFilter,
    ExecutionPage,
    search_executions,
)
from apps.workflows.selectors.executions import ExecutionRow
from apps.workflows.services.execution_filters import build_execution_filter
from apps.workflows.views.listing import Column, Listing

COUNTED: Final = 10_000
"""Up to here a list says how many there are; beyond it only when asked."""
COLUMNS: Final = (
    Column("id", "Id"),
    Column("start", "Start"),
    Column("end", "End", shown=False),
    Column("duration", "Duration"),
    Column("namespace", "Namespace"),
    Column("flow", "Flow"),
    Column("labels", "Labels"),
    Column("state", "State"),
    Column("trigger", "Trigger"),
    Column("revision", "Revision"),
    Column("attempt", "Attempt", shown=False),
    Column("inputs", "Inputs", shown=False),
)
SORTS: Final = {"start": "state.startDate", "duration": "state.duration", "end": "state.endDate"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FoundExecutions:
    """A page of the list, and where its neighbours begin. `problem` tells why there is none."""

    page: ExecutionPage
    newer: str = ""
    older: str = ""
    problem: Problem | None = None


def filter_of(listing: Listing, visible: Sequence[str] | None) -> ExecutionFilter:
    """What the list asks for, within what the person may see. BadFilter. One query when names are asked for."""
    return build_execution_filter(listing.api_criteria(), namespaces=visible)


def find_page(listing: Listing, visible: Sequence[str] | None) -> FoundExecutions:
    """The page that the address names."""
    try:
        return _find(listing, filter_of(listing, visible))
    except (BadFilter, IllegalArgument) as error:
        said = error.message if isinstance(error, IllegalArgument) else str(error)
        return FoundExecutions(ExecutionPage([], 0, True, False), problem=Problem("", said))


def _find(listing: Listing, wanted: ExecutionFilter) -> FoundExecutions:
    most = None if listing.exact_count else COUNTED
    order = _order(listing.sort)
    if order is not None:
        offset = (listing.page - 1) * listing.size
        page = search_executions(wanted, size=listing.size, offset=offset, order=order, count_most=most)
        newer = listing.address(page=listing.page - 1 if listing.page > 2 else "") if listing.page > 1 else ""
        return FoundExecutions(page, newer, listing.address(page=listing.page + 1) if page.has_next else "")
    place = read_place(listing.after) or read_place(listing.before, backwards=True)
    page = search_executions(wanted, size=listing.size, after=place, count_most=most)
    back = place is not None and place.backwards
    if back and not page.has_next:
        # fewer than a page are newer: the first page holds them
        page, place, back = search_executions(wanted, size=listing.size, count_most=most), None, False
    newer = listing.address(before=write_place(page.rows[0])) if page.rows and place is not None else ""
    more = page.has_next or back
    return FoundExecutions(page, newer, listing.address(after=write_place(page.rows[-1])) if page.rows and more else "")


def read_place(text: str, *, backwards: bool = False) -> After | None:
    """A cursor of the address; None for what is none."""
    moment, _, execution_id = text.partition("-")
    if not moment.isdecimal() or len(moment) > 17 or not is_id(execution_id):
        return None
    return After(_EPOCH + timedelta(microseconds=int(moment)), execution_id, backwards)


def write_place(row: ExecutionRow) -> str:
    """Where a row lies in the usual order."""
    return f"{(row.start_date - _EPOCH) // timedelta(microseconds=1)}-{row.id}"


def _order(sort: str) -> tuple[str, ...] | None:
    """Names to order by; None for the usual order, newest first."""
    name, _, direction = sort.partition(":")
    if name not in SORTS or sort == "start:desc":
        return None
    return (("-" if direction != "asc" else "") + SORTABLE[SORTS[name]],)
