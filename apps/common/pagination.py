"""page, size and sort of a list → one result shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from apps.common.api import query_number
from apps.common.errors import IllegalArgument

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)
DEFAULT_SIZE: Final = 10
MAX_SIZE: Final = 10_000


@dataclass(frozen=True)
class PageRequest:
    """Which page, counted from 1, how long, and the ORM names to order by."""

    page: int = 1
    size: int = DEFAULT_SIZE
    order: tuple[str, ...] = ()

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Some of the results and how many there are."""

    results: Sequence[Item]
    total: int


def read_page(query: QueryDict, *, sortable: Mapping[str, str], default: Sequence[str] = ()) -> PageRequest:
    """`sortable` maps the API's field names to ORM names; `default` is an ORM order.

    Raises BadRequest for what is no number, IllegalArgument for a page or size out of bounds or a bad sort.
    """
    page, size = query_number(query, "page", 1) or 0, query_number(query, "size", DEFAULT_SIZE) or 0
    if page < 1:
        raise IllegalArgument("'page' must be at least 1.")
    if not 1 <= size <= MAX_SIZE:
        raise IllegalArgument(f"'size' must be from 1 to {MAX_SIZE}.")
    return PageRequest(page, size, read_order(query.getlist("sort"), sortable=sortable) or tuple(default))


def read_order(sorts: Sequence[str], *, sortable: Mapping[str, str]) -> tuple[str, ...]:
    """`field:asc` or `field:desc`, repeated or joined by commas, as ORM names. Raises IllegalArgument."""
    order: list[str] = []
    for sort in (part for text in sorts for part in text.split(",") if part):
        field, colon, direction = sort.partition(":")
        if not colon or direction.lower() not in {"asc", "desc"}:
            raise IllegalArgument(f"'sort' must look like field:asc or field:desc, not '{sort[:60]}'.")
        if field not in sortable:
            raise IllegalArgument(f"Cannot sort by '{field[:60]}'. Possible: {', '.join(sorted(sortable))}.")
        order.append(("-" if direction.lower() == "desc" else "") + sortable[field])
    return tuple(order)


def paginate(rows: QuerySet[Row, Any], wanted: PageRequest) -> Page[Any]:
    """Two queries: a count and a slice."""
    if wanted.order:
        rows = rows.order_by(*wanted.order)
    return Page(list(rows[wanted.offset : wanted.offset + wanted.size]), rows.count())
