"""A page's address ↔ criteria: `labels[team].not=data&state=FAILED&time=-2d`; older addresses are understood."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final
from urllib.parse import quote

from apps.common.search_filters.criteria import (
    PAGE_KEY,
    PAGE_OPS,
    BadFilter,
    Criterion,
    Op,
    parse_api_filters,
    split_list,
)
from apps.common.search_filters.keys import TEXT_KEY, Gathering, Keys, Kind, Parsed, Problem
from apps.common.search_filters.text import join_words, parse_text, split_words

TYPED: Final = "query"
"""The parameter that holds typed text: what a form without scripts sends, and what the API takes."""
_WORD_OF: Final = {op: word for word, op in PAGE_OPS.items()}
_API_OPS: Final = {Op.EQUALS: Op.IN, Op.NOT_EQUALS: Op.NOT_IN}


def parse_address(pairs: Iterable[tuple[str, str]], keys: Keys, *, others: Collection[str] = ()) -> tuple[Parsed, bool]:
    """(The criteria, whether the address was of an older form). ``others`` are parameters that are no criteria.

    Never fails; what means nothing is a problem. `query` is typed text; `filters[state][IN]=`, `timeRange=PT48H`,
    `startDate=`, `labels=k:v`, `flowId=` are what older pages and the API wrote.
    """
    dates: dict[str, str] = {}
    found, older = Gathering(keys), False
    for name, value in pairs:
        if name in others or (value == "" and not name.endswith(("set", "unset"))):
            continue
        if name == TYPED:
            typed = parse_text(value, keys)
            _take(typed.criteria, found)
            found.problems += typed.problems
            older = True
        elif name.startswith("filters["):
            older = True
            _bracketed(name, value, found, dates)
        elif name in {"startDate", "endDate"} and name not in keys.by_name:
            older, dates[name] = True, value
        else:
            older |= _pair(name, value, found)
    if dates and "time" in keys.by_name:
        span = f"{dates.get('startDate', '')}..{dates.get('endDate', '')}"
        found.add(keys.by_name["time"], Op.IN, [span], sub=None, text=span)
    return found.finish(), older


def address_pairs(criteria: Iterable[Criterion], keys: Keys) -> list[tuple[str, str]]:
    """The one address of criteria, sorted by name, without encoding."""
    pairs = []
    for one in criteria:
        name = one.field + (f"[{one.key}]" if one.key is not None else "")
        if one.field == TEXT_KEY:
            pairs.append((name + (".hasnot" if one.op is Op.NOT_CONTAINS else ""), join_words(one.values)))
            continue
        if one.op is not keys.by_name[one.field].usual:
            name += f".{_WORD_OF[one.op]}"
        pairs.append((name, "1" if one.op in {Op.IS_SET, Op.IS_NOT_SET} else ",".join(map(_escaped, one.values))))
    return sorted(pairs)


def encode(pairs: Sequence[tuple[str, str]]) -> str:
    """As it stands in an address, legible where that is allowed."""
    return "&".join(f"{quote(name, safe='[].')}={quote(value, safe=',:/')}" for name, value in pairs)


def _pair(name: str, value: str, found: Gathering) -> bool:
    """One parameter; True when it is of an older form."""
    match = PAGE_KEY.match(name)
    field, sub, word = match.groups() if match else (name, None, None)
    if field == TEXT_KEY:
        found.add_words(split_words(value), without=word == "hasnot")
        return False
    key = found.keys.find(field)
    if key is None or (word is not None and word not in PAGE_OPS):
        found.problems.append(found.keys.unknown(name, name))
        return False
    if key.kind is Kind.MAP and sub is None and ":" in value:
        sub, _, value = value.partition(":")
        found.add(key, key.usual, [value], sub=sub, text=f"{name}={value}")
        return True
    op = PAGE_OPS[word] if word else key.usual
    values = () if op in {Op.IS_SET, Op.IS_NOT_SET} else [value] if key.kind is Kind.TIME else split_list(value)
    found.add(key, op, values, sub=sub, text=f"{name}={value}"[:80])
    return key.name != field


def _bracketed(name: str, value: str, found: Gathering, dates: dict[str, str]) -> None:
    fields = (*found.keys.by_name, *found.keys.older, TEXT_KEY, "startDate", "endDate", "timeRange")
    try:
        (one,) = parse_api_filters([(name, value)], fields=fields)
    except BadFilter as error:
        found.problems.append(Problem(name[:80], str(error)))
        return
    if one.group is not None:
        found.problems.append(Problem(name[:80], "Alternatives (filters[or]) are not offered here; ask once for each."))
    elif one.field in {"startDate", "endDate"}:
        dates[one.field] = one.values[-1]
    elif one.field == TEXT_KEY:
        found.add_words(split_words(one.values[-1]))
    elif (key := found.keys.find(one.field)) is not None:
        found.add(key, _API_OPS.get(one.op, one.op), one.values, sub=one.key, text=name[:80])
    else:
        found.problems.append(found.keys.unknown(one.field, name[:80]))


def _take(criteria: Iterable[Criterion], found: Gathering) -> None:
    for one in criteria:
        if one.field == TEXT_KEY:
            found.add_words(one.values, without=one.op is Op.NOT_CONTAINS)
        else:
            found.add(found.keys.by_name[one.field], one.op, one.values, sub=one.key, text=one.field)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,")
