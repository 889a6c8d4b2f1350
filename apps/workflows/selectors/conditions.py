"""Criteria of the filter grammar as SQL on one column: the words every list shares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.common.search_filters import BadFilter, Criterion, Op

NEGATIVE: Final = frozenset({Op.NOT_EQUALS, Op.NOT_IN, Op.NOT_CONTAINS, Op.NOT_PREFIX})
_COMPARED: Final = {
    Op.GREATER_THAN: ">",
    Op.LESS_THAN: "<",
    Op.GREATER_THAN_OR_EQUAL_TO: ">=",
    Op.LESS_THAN_OR_EQUAL_TO: "<=",
}
_MAX_PATTERN: Final = 200


@dataclass(slots=True)
class Conditions:
    """SQL conditions that are all required, and their values in order."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, sql: str, *values: Any) -> None:
        """One more."""
        self.parts.append(sql)
        self.values.extend(values)

    @property
    def where(self) -> str:
        """As a WHERE clause with a leading blank; empty when there are none."""
        return f" WHERE {' AND '.join(self.parts)}" if self.parts else ""


def add_text(conditions: Conditions, column: str, criterion: Criterion) -> None:
    """A criterion on a text column. Several values: any of them, none for a negative one. BadFilter for other ops."""
    values = [value for value in criterion.values if value != ""]
    match criterion.op:
        case Op.EQUALS | Op.IN:
            conditions.add(f"{column} = ANY(%s::text[])", values)
        case Op.NOT_EQUALS | Op.NOT_IN:
            conditions.add(f"NOT COALESCE({column} = ANY(%s::text[]), false)", values)
        case Op.PREFIX:
            _any(conditions, f"({column} = %s OR starts_with({column}, %s))", [(v, v + ".") for v in values])
        case Op.NOT_PREFIX:
            for value in values:
                conditions.add(f"NOT COALESCE({column} = %s OR starts_with({column}, %s), false)", value, value + ".")
        case Op.IS_SET:
            conditions.add(f"{column} IS NOT NULL")
        case Op.IS_NOT_SET:
            conditions.add(f"{column} IS NULL")
        case Op.STARTS_WITH:
            _any(conditions, f"starts_with({column}, %s)", values)
        case _:
            _add_pattern(conditions, column, criterion, values)


def _add_pattern(conditions: Conditions, column: str, criterion: Criterion, values: Sequence[str]) -> None:
    match criterion.op:
        case Op.ENDS_WITH:
            _any(conditions, f"{column} LIKE %s", ["%" + escape_like(value) for value in values])
        case Op.CONTAINS:
            _any(conditions, f"{column} ILIKE %s", [f"%{escape_like(value)}%" for value in values])
        case Op.NOT_CONTAINS:
            conditions.add(
                f"NOT COALESCE({column} ILIKE ANY(%s::text[]), false)", [f"%{escape_like(v)}%" for v in values]
            )
        case Op.REGEX:
            for value in values:
                check_pattern(value)
            _any(conditions, f"{column} ~ %s", values)
        case _:
            raise BadFilter(f"'{criterion.field}' cannot be compared with {criterion.op}.")


def add_number(conditions: Conditions, column: str, criterion: Criterion, values: Sequence[Any]) -> None:
    """A criterion on a number or date column, its values already parsed. BadFilter for other ops."""
    if criterion.op in _COMPARED:
        conditions.add(f"{column} {_COMPARED[criterion.op]} %s", values[-1])
    elif criterion.op in {Op.EQUALS, Op.IN}:
        _any(conditions, f"{column} = %s", values)
    elif criterion.op in NEGATIVE:
        for value in values:
            conditions.add(f"{column} IS DISTINCT FROM %s", value)
    else:
        raise BadFilter(f"'{criterion.field}' cannot be compared with {criterion.op}.")


def escape_like(text: str) -> str:
    """The text with the signs of LIKE taken literally."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def check_pattern(pattern: str) -> None:
    """BadFilter for a regular expression that is too long or surely none; PostgreSQL has the last word."""
    if len(pattern) > _MAX_PATTERN:
        raise BadFilter(f"A regular expression may have {_MAX_PATTERN} characters.")
    try:
        re.compile(pattern)
    except re.error as error:
        raise BadFilter(f"'{pattern[:60]}' is no regular expression: {error}.") from error


def _any(conditions: Conditions, sql: str, values: Sequence[Any]) -> None:
    if not values:
        conditions.add("false")
        return
    flat = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    conditions.add("(" + " OR ".join([sql] * len(values)) + ")", *flat)
