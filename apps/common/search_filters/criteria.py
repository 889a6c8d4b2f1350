"""Criteria, and how the API writes them: flat parameters and filters[field][OP]=v; a page's bare key.op=v pairs."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final


class Op(StrEnum):
    """How a field is compared."""

    EQUALS = "EQUALS"
    NOT_EQUALS = "NOT_EQUALS"
    GREATER_THAN = "GREATER_THAN"
    LESS_THAN = "LESS_THAN"
    GREATER_THAN_OR_EQUAL_TO = "GREATER_THAN_OR_EQUAL_TO"
    LESS_THAN_OR_EQUAL_TO = "LESS_THAN_OR_EQUAL_TO"
    IN = "IN"
    NOT_IN = "NOT_IN"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    CONTAINS = "CONTAINS"
    NOT_CONTAINS = "NOT_CONTAINS"
    REGEX = "REGEX"
    PREFIX = "PREFIX"
    IS_SET = "IS_SET"
    IS_NOT_SET = "IS_NOT_SET"
    NOT_PREFIX = "NOT_PREFIX"


@dataclass(frozen=True)
class Criterion:
    """One condition. Several values mean: any of them (none of them for a negative op).

    `key` is the part after the field of labels[team] and details[cls]. Criteria are all required, except those with a
    `group`: those of one group are required together, and one of the groups is enough.
    """

    field: str
    op: Op
    values: tuple[str, ...] = ()
    key: str | None = None
    group: int | None = None


class BadFilter(ValueError):
    """A filter that cannot be understood; the message says which and what is possible."""


FLAT_OPS: Final = {
    "q": Op.EQUALS,
    "scope": Op.IN,
    "namespace": Op.PREFIX,
    "flowId": Op.EQUALS,
    "startDate": Op.GREATER_THAN_OR_EQUAL_TO,
    "endDate": Op.LESS_THAN_OR_EQUAL_TO,
    "timeRange": Op.EQUALS,
    "state": Op.IN,
    "labels": Op.EQUALS,
    "triggerExecutionId": Op.EQUALS,
    "triggerId": Op.EQUALS,
    "executionId": Op.EQUALS,
    "taskId": Op.EQUALS,
    "taskRunId": Op.EQUALS,
    "workerId": Op.EQUALS,
    "childFilter": Op.EQUALS,
    "kind": Op.EQUALS,
    "minLevel": Op.GREATER_THAN_OR_EQUAL_TO,
    "existing": Op.EQUALS,
    "existingOnly": Op.EQUALS,
    "userId": Op.EQUALS,
    "id": Op.EQUALS,
    "permission": Op.EQUALS,
    "details": Op.EQUALS,
    "type": Op.EQUALS,
    "email": Op.CONTAINS,
    "status": Op.EQUALS,
    "tags": Op.IN,
}
"""The flat parameters of the API and what each means when it is given alone."""

PAGE_OPS: Final = {
    "is": Op.IN,
    "not": Op.NOT_IN,
    "has": Op.CONTAINS,
    "hasnot": Op.NOT_CONTAINS,
    "prefix": Op.PREFIX,
    "outside": Op.NOT_PREFIX,
    "starts": Op.STARTS_WITH,
    "suffix": Op.ENDS_WITH,
    "re": Op.REGEX,
    "gt": Op.GREATER_THAN,
    "gte": Op.GREATER_THAN_OR_EQUAL_TO,
    "lt": Op.LESS_THAN,
    "lte": Op.LESS_THAN_OR_EQUAL_TO,
    "set": Op.IS_SET,
    "unset": Op.IS_NOT_SET,
}
"""The operators of a page's address: key.op=value."""

MAP_FIELDS: Final = frozenset({"labels", "details"})
_LISTS: Final = frozenset({Op.IN, Op.NOT_IN})
_BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
PAGE_KEY: Final = re.compile(r"^([A-Za-z][A-Za-z0-9]*)(?:\[([^\]]+)\])?(?:\.([a-z]+))?$")
_NESTED: Final = frozenset({"and", "or"})


def parse_api_filters(pairs: Iterable[tuple[str, str]], *, fields: Collection[str]) -> list[Criterion]:
    """Criteria of an API list from its decoded query, flat and bracketed forms mixed; other parameters are left alone.

    Raises BadFilter: unknown field or operator in brackets, a label without colon, timeRange together with dates.
    """
    flat: dict[str, list[str]] = {}
    criteria: list[Criterion] = []
    for name, value in pairs:
        if name.startswith("filters["):
            criteria.append(_bracketed(name, value, fields))
        elif name in fields and name in FLAT_OPS and value != "":
            flat.setdefault(name, []).append(value)
    for name, values in flat.items():
        criteria += _flat(name, values)
    named = {criterion.field for criterion in criteria}
    if "timeRange" in named and named & {"startDate", "endDate"}:
        raise BadFilter("Give either timeRange or startDate and endDate, not both.")
    return criteria


def parse_page_filters(
    pairs: Iterable[tuple[str, str]], *, fields: Collection[str], defaults: dict[str, Op] | None = None
) -> tuple[list[Criterion], list[str]]:
    """Criteria of a page's address (`state=FAILED,WARNING`, `labels[team].not=x`, `flow.prefix=a`), and the names that
    mean nothing here, each with a guess, for a notice. `defaults` gives a field's operator when none is written.
    """
    found: dict[tuple[str, str | None, Op], list[str]] = {}
    unknown: list[str] = []
    for name, text in pairs:
        match = PAGE_KEY.match(name)
        field, key, word = match.groups() if match else (name, None, None)
        if match is None or field not in fields or (word is not None and word not in PAGE_OPS):
            unknown.append(name + guess(field, fields))
            continue
        op = PAGE_OPS[word] if word else (defaults or {}).get(field, Op.IN)
        found.setdefault((field, key, op), []).extend([] if op in {Op.IS_SET, Op.IS_NOT_SET} else split_list(text))
    return [Criterion(field, op, tuple(values), key) for (field, key, op), values in found.items()], unknown


def split_list(text: str) -> list[str]:
    r"""Values joined by commas; `\,` is a comma of a value, `\\` a backslash."""
    values, current, escaped = [], "", False
    for character in text:
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            escaped = True
        elif character == ",":
            values.append(current)
            current = ""
        else:
            current += character
    return [value for value in (*values, current + ("\\" if escaped else "")) if value != ""]


def _flat(name: str, values: list[str]) -> Iterable[Criterion]:
    op = FLAT_OPS[name]
    if name in MAP_FIELDS:
        for value in values:
            key, colon, rest = value.partition(":")
            if not colon or not key:
                raise BadFilter(f"'{name}' must look like key:value, not '{value[:60]}'.")
            yield Criterion(name, op, (rest,), key)
    elif op in _LISTS:
        yield Criterion(name, op, tuple(part for value in values for part in value.split(",") if part))
    else:
        yield Criterion(name, op, (values[-1],))


def _bracketed(name: str, value: str, fields: Collection[str]) -> Criterion:
    parts = _BRACKETS.findall(name[len("filters") :])
    group: int | None = None
    if parts and parts[0] in _NESTED:
        if len(parts) < 3 or not parts[1].isdecimal():
            raise BadFilter(f"'{name[:80]}' must look like filters[or][0][field][EQUALS].")
        group = int(parts[1]) if parts[0] == "or" else None
        parts = parts[2:]
    if not 2 <= len(parts) <= 3:
        raise BadFilter(f"'{name[:80]}' must look like filters[field][EQUALS]=value.")
    field, word, key = parts[0], parts[1].upper(), parts[2] if len(parts) == 3 else None
    if field not in fields:
        raise BadFilter(
            f"Cannot filter by '{field[:60]}'{guess(field, fields)}. Possible: {', '.join(sorted(fields))}."
        )
    if word not in Op.__members__:
        raise BadFilter(f"'{word[:40]}' is no operator{guess(word, Op.__members__)}. Possible: {', '.join(Op)}.")
    if field in MAP_FIELDS and key is None:
        key, colon, value = value.partition(":")
        if not colon:
            raise BadFilter(f"'{name[:80]}' needs a key: filters[{field}][{word}][key]=value.")
    op = Op(word)
    return Criterion(field, op, tuple(value.split(",")) if op in _LISTS else (value,), key, group)


def guess(word: str, known: Collection[str]) -> str:
    """A remark that names what is nearest, empty when nothing is near."""
    near = get_close_matches(word, list(known), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""
