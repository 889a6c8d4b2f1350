"""A list page's address: its criteria, its place and its looks; and the addresses its links lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from apps.accounts.selectors import current_user
from apps.accounts.services.preferences import table_choice
from apps.common.clock import now
from apps.common.htmx import is_fragment, render_page
from apps.common.search_filters import BadFilter, Criterion, Op
from apps.common.search_filters.address import address_pairs, encode, parse_address
from apps.common.search_filters.as_api import api_parameters, as_api
from apps.common.search_filters.keys import OP_WORDS, OPS, TEXT_KEY, Keys, Kind, Problem
from apps.common.search_filters.moments import say_time
from apps.common.search_filters.text import format_criterion, format_text

SIZES: Final = (25, 50, 100)
TIMES: Final = ("-15m", "-1h", "-12h", "-24h", "-2d", "-7d", "-30d", "today", "yesterday", "week", "month")
DENSITIES: Final = ("comfortable", "default", "compact")
DISPLAY: Final = frozenset(
    {"after", "before", "page", "size", "sort", "count", "part", "ids", "pinned", "pick", "format", "tail", "at"}
    | {"action", "back", "csrfmiddlewaretoken", "matching"}
)
"""Parameters that say how the list is looked at, or what a form does with it."""
_NEGATED: Final = {Op.IN: Op.NOT_IN, Op.PREFIX: Op.NOT_PREFIX, Op.CONTAINS: Op.NOT_CONTAINS, Op.IS_SET: Op.IS_NOT_SET}
_NEGATIONS: Final = {**_NEGATED, **{after: before for before, after in _NEGATED.items()}}


@dataclass(frozen=True)
class Column:
    """One column of a table; `shown` says whether it is there when nobody chose."""

    name: str
    title: str
    shown: bool = True


@dataclass(frozen=True)
class Chip:
    """A criterion as the bar shows it, with the addresses without it and with the opposite of it."""

    name: str
    op: str
    value: str
    text: str
    without: str
    negated: str = ""


@dataclass(frozen=True)
class Listing:
    """What a list shows. `pinned` are criteria of the page itself, which no link takes away."""

    keys: Keys
    path: str
    criteria: tuple[Criterion, ...] = ()
    problems: tuple[Problem, ...] = ()
    pinned: tuple[Criterion, ...] = ()
    older: bool = False
    size: int = SIZES[0]
    usual_size: int = SIZES[0]
    sort: str = ""
    after: str = ""
    before: str = ""
    page: int = 1
    exact_count: bool = False
    columns: tuple[Column, ...] = ()
    all_columns: tuple[Column, ...] = ()
    density: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def filtered(self) -> bool:
        """Whether anything narrows the list beyond what the page pins."""
        return bool(self.criteria)

    @property
    def text(self) -> str:
        """The whole filter as it could be typed."""
        return format_text(self.criteria, self.keys)

    @property
    def words(self) -> str:
        """The part that is a search for text."""
        return format_text((one for one in self.criteria if one.field == TEXT_KEY), self.keys)

    @property
    def chips(self) -> list[Chip]:
        return [self._chip(one) for one in self.criteria if one.field != TEXT_KEY]

    @property
    def time(self) -> str:
        """The criterion `time` as it is written; empty without."""
        return next((one.values[-1] for one in self.criteria if one.field == "time"), "")

    @property
    def query(self) -> str:
        """The criteria as an address, for what keeps searches."""
        return encode(address_pairs(self.criteria, self.keys))

    @property
    def pinned_query(self) -> str:
        """What the page pins, as an address."""
        return encode(address_pairs(self.pinned, self.keys))

    def api_criteria(self) -> list[Criterion]:
        """For the same search that the API makes, what the page pins with it. BadFilter for a time beyond all dates."""
        return as_api((*self.pinned, *self.criteria), self.keys, now=now(), zone=self.zone)

    def api_query(self) -> str:
        """The query string that asks the API for these rows now."""
        return api_parameters((*self.pinned, *self.criteria), self.keys, now=now(), zone=self.zone)

    def address(self, criteria: Iterable[Criterion] | None = None, **changes: object) -> str:
        """The query string of this view with changes, without defaults; the first page unless a place is given."""
        display: dict[str, object] = {
            "size": self.size if self.size != self.usual_size else "",
            "sort": self.sort,
            **changes,
        }
        pairs = address_pairs(self.criteria if criteria is None else criteria, self.keys)
        pairs += [(name, str(value)) for name, value in display.items() if value not in ("", None)]
        return "?" + encode(sorted(pairs))

    def without(self, name: str, key: str | None = None) -> str:
        """The address without a field's criteria."""
        return self.address(one for one in self.criteria if (one.field, one.key) != (name, key))

    def only(self, name: str, value: str, key: str | None = None) -> str:
        """The address where a field has this value."""
        return self.address(self._set(name, (value,), key))

    def excluding(self, name: str, value: str, key: str | None = None) -> str:
        """The address where a field has any value but this."""
        return self.address((*self.criteria, Criterion(name, Op.NOT_IN, (value,), key)))

    def chosen(self, name: str) -> tuple[str, ...]:
        """The values that a field may have; empty for any."""
        return next((one.values for one in self.criteria if one.field == name and one.op is Op.IN), ())

    def toggled(self, name: str, value: str) -> str:
        """The address with one value of a field more, or one less."""
        held = self.chosen(name)
        values = tuple(one for one in held if one != value) if value in held else (*held, value)
        return self.address(self._set(name, values, None))

    def sorted_by(self, name: str) -> str:
        """The address ordered by a column, the other way round when it is so already."""
        return self.address(sort=f"{name}:{'asc' if self.sort == f'{name}:desc' else 'desc'}")

    def shows(self, name: str) -> bool:
        """Whether a column is shown."""
        return any(column.name == name for column in self.columns)

    def narrowed(self, *, without: str) -> Listing:
        """The same without the criteria of a field: what its values are counted in."""
        return replace(self, criteria=tuple(one for one in self.criteria if one.field != without))

    def _set(self, name: str, values: tuple[str, ...], key: str | None) -> list[Criterion]:
        kept = [one for one in self.criteria if (one.field, one.key) != (name, key)]
        return [*kept, Criterion(name, self.keys.by_name[name].usual, values, key)] if values else kept

    def _chip(self, one: Criterion) -> Chip:
        kept = [other for other in self.criteria if other is not one]
        kind = self.keys.by_name[one.field].kind
        opposite = _NEGATIONS.get(one.op)
        negated = (
            "" if opposite is None or opposite not in OPS[kind] else self.address([*kept, replace(one, op=opposite)])
        )
        value = say_time(one.values[-1]) if kind is Kind.TIME else ", ".join(one.values)
        word = "" if kind is Kind.TIME else OP_WORDS[one.op]
        name = one.field + (f"[{one.key}]" if one.key is not None else "")
        return Chip(name, word, value, format_criterion(one, self.keys), self.address(kept), negated)


def read_listing(
    request: HttpRequest, keys: Keys, columns: Sequence[Column], *, pinned: Iterable[Criterion] = ()
) -> Listing:
    """What the address says. Never fails: what means nothing is a problem, and the rest applies."""
    data = request.GET
    pairs = [(name, value) for name, values in data.lists() for value in values]
    parsed, older = parse_address(pairs, keys, others=DISPLAY)
    choice = table_choice(current_user(request), keys.page)
    general = current_user(request).preferences.get("pageSize", "")
    usual = _one_of(choice.get("size", general), SIZES)
    listing = Listing(
        keys,
        request.path,
        criteria=parsed.criteria,
        problems=parsed.problems,
        pinned=tuple(pinned),
        older=older,
        size=_one_of(data.get("size", usual), SIZES),
        usual_size=usual,
        sort=data.get("sort", "")[:60],
        after=data.get("after", "")[:80],
        before=data.get("before", "")[:80],
        page=_number(data.get("page", "")),
        exact_count=data.get("count") == "exact",
        columns=_chosen_columns(columns, choice),
        all_columns=tuple(columns),
        density=str(choice.get("density", "")),
        zone=ZoneInfo(str(timezone.get_current_timezone())),
    )
    try:
        listing.api_criteria()
    except BadFilter as error:
        bad = [
            one for one in listing.criteria if keys.by_name.get(one.field) and keys.by_name[one.field].kind is Kind.TIME
        ]
        kept = tuple(one for one in listing.criteria if one not in bad)
        listing = replace(listing, criteria=kept, problems=(*listing.problems, Problem("time", str(error))))
    return listing


def answer_list(
    request: HttpRequest, listing: Listing, page: str, context: Mapping[str, Any], *, fragment: str
) -> HttpResponse:
    """The list: an older address is sent to the one form, and a part tells the browser its address."""
    if listing.older and not listing.problems and not is_fragment(request):
        return HttpResponseRedirect(request.path + listing.address(), status=303)
    shown = {"listing": listing, "times": [(one, say_time(one)) for one in TIMES], "sizes": SIZES, **context}
    response = render_page(request, page, {**shown, "densities": DENSITIES}, fragment=fragment)
    if is_fragment(request) and listing.older:
        response.headers["HX-Push-Url"] = request.path + listing.address()
    return response


def matching_address(listing: Listing) -> str:
    """What a form carries to say all that the list finds."""
    return urlencode(address_pairs(listing.criteria, listing.keys))


def _chosen_columns(columns: Sequence[Column], choice: Mapping[str, Any]) -> tuple[Column, ...]:
    by_name = {column.name: column for column in columns}
    chosen = [by_name[name] for name in choice.get("columns", []) if name in by_name]
    return tuple(chosen) or tuple(column for column in columns if column.shown)


def _one_of(value: object, known: Sequence[int]) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and int(text) in known else known[0]


def _number(text: str) -> int:
    return min(int(text), 40_000) if text.isdecimal() and 0 < len(text) < 7 and int(text) > 0 else 1
