"""The keys that a list can be filtered by: their kinds, usual operators, and what their values look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from apps.common.search_filters.criteria import BadFilter, Criterion, Op, guess
from apps.common.search_filters.moments import read_time

TEXT_KEY: Final = "q"
"""The field of free words: all of them must be found."""


class Kind(StrEnum):
    """What a key's values are, which decides its operators."""

    TEXT = "TEXT"
    CHOICE = "CHOICE"
    NAMESPACE = "NAMESPACE"
    MAP = "MAP"
    TIME = "TIME"
    DURATION = "DURATION"
    NUMBER = "NUMBER"
    FLAG = "FLAG"
    LEVEL = "LEVEL"


_TEXTS: Final = frozenset(
    {Op.IN, Op.NOT_IN, Op.CONTAINS, Op.NOT_CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH, Op.REGEX, Op.IS_SET, Op.IS_NOT_SET}
)
_NUMBERS: Final = frozenset(
    {Op.IN, Op.NOT_IN, Op.GREATER_THAN, Op.GREATER_THAN_OR_EQUAL_TO, Op.LESS_THAN, Op.LESS_THAN_OR_EQUAL_TO}
)
OPS: Final[Mapping[Kind, frozenset[Op]]] = {
    Kind.TEXT: _TEXTS,
    Kind.CHOICE: frozenset({Op.IN, Op.NOT_IN}),
    Kind.NAMESPACE: _TEXTS | {Op.PREFIX, Op.NOT_PREFIX},
    Kind.MAP: frozenset({Op.IN, Op.NOT_IN, Op.IS_SET, Op.IS_NOT_SET}),
    Kind.TIME: frozenset({Op.IN}),
    Kind.DURATION: _NUMBERS - {Op.IN, Op.NOT_IN},
    Kind.NUMBER: _NUMBERS,
    Kind.FLAG: frozenset({Op.IN}),
    Kind.LEVEL: frozenset({Op.GREATER_THAN_OR_EQUAL_TO}),
}
LISTED: Final = frozenset(
    {Op.IN, Op.NOT_IN, Op.PREFIX, Op.NOT_PREFIX, Op.CONTAINS, Op.NOT_CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH}
)
"""Operators that take several values; of the others the last one counts."""
OP_WORDS: Final[Mapping[Op, str]] = {
    Op.IN: "is",
    Op.NOT_IN: "is not",
    Op.PREFIX: "within",
    Op.NOT_PREFIX: "outside",
    Op.CONTAINS: "contains",
    Op.NOT_CONTAINS: "lacks",
    Op.STARTS_WITH: "starts with",
    Op.ENDS_WITH: "ends with",
    Op.REGEX: "matches",
    Op.GREATER_THAN: "over",
    Op.GREATER_THAN_OR_EQUAL_TO: "at least",
    Op.LESS_THAN: "under",
    Op.LESS_THAN_OR_EQUAL_TO: "at most",
    Op.IS_SET: "is set",
    Op.IS_NOT_SET: "is not set",
}
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)?")
_ISO_SPAN: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?\d{1,12}")
_LONGEST_VALUE: Final = 500


@dataclass(frozen=True)
class Key:
    """One key. ``api`` is the field of the API it stands for. ``values`` are all there are, of a choice."""

    name: str
    about: str
    kind: Kind = Kind.TEXT
    api: str = ""
    values: tuple[str, ...] = ()
    icon: str = "filter"
    counted: bool = False
    """Whether its values are offered with how many rows have them."""

    @property
    def usual(self) -> Op:
        """The operator when none is written."""
        return {Kind.NAMESPACE: Op.PREFIX, Kind.LEVEL: Op.GREATER_THAN_OR_EQUAL_TO}.get(self.kind, Op.IN)

    def read_value(self, op: Op, value: str) -> str:
        """The one form of a value. BadFilter, naming what is near."""
        if len(value) > _LONGEST_VALUE:
            raise BadFilter(f"A value of '{self.name}' has at most {_LONGEST_VALUE} characters.")
        if op is Op.REGEX:
            return _pattern(value)
        match self.kind:
            case Kind.CHOICE | Kind.LEVEL | Kind.FLAG:
                return self._choice(value)
            case Kind.TIME:
                return read_time(value)
            case Kind.DURATION:
                return read_span(value)
            case Kind.NUMBER:
                if not _NUMBER.fullmatch(value):
                    raise BadFilter(f"'{self.name}' is a number, not '{value[:40]}'.")
                return str(int(value))
        return value

    def _choice(self, value: str) -> str:
        known = ("YES", "NO") if self.kind is Kind.FLAG else self.values
        wanted = value.upper()
        if self.kind is Kind.FLAG:
            wanted = {"TRUE": "YES", "1": "YES", "FALSE": "NO", "0": "NO"}.get(wanted, wanted)
        if wanted not in known:
            raise BadFilter(f"'{value[:40]}' is no {self.name}{guess(wanted, known)}. Possible: {', '.join(known)}.")
        return wanted


@dataclass(frozen=True)
class Problem:
    """What could not be understood, where in the typed text (-1 in an address), and what may have been meant."""

    text: str
    message: str
    position: int = -1
    near: str = ""

    @property
    def told(self) -> str:
        """With the place, counted from 1."""
        return self.message if self.position < 0 else f"At character {self.position + 1}: {self.message}"


@dataclass(frozen=True)
class Parsed:
    """The criteria in their one order, and what was left out."""

    criteria: tuple[Criterion, ...] = ()
    problems: tuple[Problem, ...] = ()


class Keys:
    """The keys of one list, in the order they are offered."""

    def __init__(self, page: str, *keys: Key, older: Mapping[str, str] | None = None) -> None:
        self.page = page
        self.by_name: Mapping[str, Key] = {key.name: key for key in keys}
        self.older: Mapping[str, str] = older or {}
        """Names of older addresses and of the API → ours."""

    def __iter__(self) -> Iterator[Key]:
        return iter(self.by_name.values())

    def find(self, name: str) -> Key | None:
        """By its name, any case, or an older one."""
        return self.by_name.get(name) or self.by_name.get(self.older.get(name, "")) or self._any_case(name)

    def nearest(self, name: str) -> str:
        """The key that may have been meant; empty when none is near."""
        near = get_close_matches(name, list(self.by_name), n=1)
        return near[0] if near else ""

    def unknown(self, name: str, text: str, position: int = -1) -> Problem:
        """What to say of a name that is no key."""
        near = self.nearest(name)
        meant = f" Did you mean '{near}'?" if near else ""
        quote = " Put it in quotes to search for the text." if position >= 0 else ""
        return Problem(text, f"There is no key '{name[:40]}' here.{meant}{quote}", position, near)

    def _any_case(self, name: str) -> Key | None:
        return next((key for key in self.by_name.values() if key.name.lower() == name.lower()), None)


@dataclass
class Gathering:
    """Criteria as they come, those of one field, key and operator together, each value checked."""

    keys: Keys
    found: dict[tuple[str, str | None, Op], list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, key: Key, op: Op, values: Iterable[str], *, sub: str | None, text: str, position: int = -1) -> None:
        """One criterion; what is wrong with it becomes a problem and nothing of it applies."""
        if op not in OPS[key.kind]:
            words = ", ".join(OP_WORDS[one] for one in OP_WORDS if one in OPS[key.kind])
            self._wrong(text, f"'{key.name}' cannot be asked for with '{OP_WORDS[op]}'. Possible: {words}.", position)
            return
        if (key.kind is Kind.MAP) != (sub is not None):
            said = f"needs a name: {key.name}[team]:data." if sub is None else "has no parts."
            self._wrong(text, f"'{key.name}' {said}", position)
            return
        try:
            read = [key.read_value(op, value) for value in values if value]
        except BadFilter as error:
            self._wrong(text, str(error), position)
            return
        if not read and op not in {Op.IS_SET, Op.IS_NOT_SET}:
            self._wrong(text, f"'{key.name}' has no value.", position)
            return
        held = self.found.setdefault((key.name, sub, op), [])
        if op in LISTED and key.kind is not Kind.TIME:
            held += [value for value in dict.fromkeys(read) if value not in held]
        else:
            held[:] = read[-1:]

    def add_words(self, words: Iterable[str], *, without: bool = False) -> None:
        """Free words: all of them, or none."""
        op = Op.NOT_CONTAINS if without else Op.CONTAINS
        held = self.found.setdefault((TEXT_KEY, None, op), [])
        held += [word for word in dict.fromkeys(words) if word and word not in held]

    def finish(self) -> Parsed:
        """In the one order: by key as they are offered, words last."""
        places = {name: place for place, name in enumerate(self.keys.by_name)}
        ops = {op: place for place, op in enumerate(Op)}
        ordered = sorted(
            ((held, values) for held, values in self.found.items() if values or held[2] in {Op.IS_SET, Op.IS_NOT_SET}),
            key=lambda one: (places.get(one[0][0], len(places)), one[0][1] or "", ops[one[0][2]]),
        )
        return Parsed(
            tuple(Criterion(name, op, tuple(values), sub) for (name, sub, op), values in ordered),
            tuple(self.problems),
        )

    def _wrong(self, text: str, message: str, position: int) -> None:
        self.problems.append(Problem(text, message, position))


def read_span(text: str) -> str:
    """The one form of a length of time: 10m, 1.5h; a bare number is seconds. BadFilter."""
    given = text.strip()
    if match := _SPAN.fullmatch(given.lower()):
        word = match[2] or "s"
        unit = word if word in _SECONDS else {"s": "s", "m": "m", "h": "h", "d": "d", "w": "w"}[word[0]]
        return f"{match[1]}{unit}"
    if (match := _ISO_SPAN.fullmatch(given)) and any(match.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return f"{days * 86400 + hours * 3600 + minutes * 60 + seconds:.3f}".rstrip("0").rstrip(".") + "s"
    raise BadFilter(f"'{text[:40]}' is no length of time. Write it like 30s, 10m, 1.5h or PT10M.")


def span_milliseconds(text: str) -> int:
    """Of what ``read_span`` gives."""
    read = read_span(text)
    unit = read.lstrip("0123456789.")
    return round(float(read.removesuffix(unit)) * _SECONDS[unit] * 1000)


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise BadFilter(f"'{value[:60]}' is no regular expression: {error}.") from error
    return value
