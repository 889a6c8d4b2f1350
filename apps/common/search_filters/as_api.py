"""Criteria of a page → those of the API, so that a list asks the same whichever way it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from apps.common.search_filters.criteria import BadFilter, Criterion, Op
from apps.common.search_filters.keys import TEXT_KEY, Keys, Kind, span_milliseconds
from apps.common.search_filters.moments import resolve
from apps.common.search_filters.text import join_words, parse_text


def as_api(criteria: Iterable[Criterion], keys: Keys, *, now: datetime, zone: ZoneInfo) -> list[Criterion]:
    """With the API's field names; times become moments, lengths milliseconds. BadFilter for a time out of bounds."""
    return [made for one in criteria for made in _translated(one, keys, now, zone)]


def api_parameters(criteria: Iterable[Criterion], keys: Keys, *, now: datetime, zone: ZoneInfo) -> str:
    """The query string that asks the API for the same rows."""
    pairs = []
    for one in as_api(criteria, keys, now=now, zone=zone):
        if one.field == TEXT_KEY and one.op is Op.EQUALS:
            pairs.append(("q", one.values[0]))
            continue
        name = f"filters[{one.field}][{one.op}]" + (f"[{one.key}]" if one.key is not None else "")
        several = one.op in {Op.IN, Op.NOT_IN}
        pairs += [(name, ",".join(one.values))] if several else [(name, value) for value in one.values or ("",)]
    return urlencode(pairs)


def typed_criteria(text: str, keys: Keys, *, now: datetime, zone: ZoneInfo) -> list[Criterion]:
    """Typed text, for the API. BadFilter names every part that could not be understood: nothing is ignored."""
    parsed = parse_text(text, keys)
    if parsed.problems:
        raise BadFilter(" ".join(problem.told for problem in parsed.problems))
    return as_api(parsed.criteria, keys, now=now, zone=zone)


def _translated(one: Criterion, keys: Keys, now: datetime, zone: ZoneInfo) -> Iterator[Criterion]:
    if one.field == TEXT_KEY:
        yield Criterion(
            TEXT_KEY, Op.NOT_CONTAINS if one.op is Op.NOT_CONTAINS else Op.EQUALS, (join_words(one.values),)
        )
        return
    key = keys.by_name[one.field]
    name = key.api or key.name
    if key.kind is Kind.TIME:
        yield from _ends(name, resolve(one.values[-1], now, zone))
        return
    values = one.values
    if key.kind is Kind.DURATION:
        values = tuple(str(span_milliseconds(value)) for value in values)
    elif key.kind is Kind.FLAG:
        values = tuple("true" if value == "YES" else "false" for value in values)
    yield Criterion(name, one.op, values, one.key)


def _ends(name: str, found: tuple[datetime | None, datetime | None]) -> Iterator[Criterion]:
    begin, end = found
    last = "endDate" if name == "startDate" else name
    if begin is not None:
        yield Criterion(name, Op.GREATER_THAN_OR_EQUAL_TO, (begin.astimezone(UTC).isoformat(),))
    if end is not None:
        yield Criterion(last, Op.LESS_THAN_OR_EQUAL_TO, (end.astimezone(UTC).isoformat(),))
