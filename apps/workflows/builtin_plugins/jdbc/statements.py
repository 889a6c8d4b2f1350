"""Statements: an SQL text cut where its own database would cut it, and its named parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.workflows.builtin_plugins.jdbc.dialect import Dialect
from apps.workflows.plugin_api.errors import TaskFailed

_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ROUTINES = frozenset({"TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"})
_HEADER = frozenset({"CREATE", "ALTER", "OR", "REPLACE", "TEMP", "TEMPORARY", "DEFINER", "AGGREGATE"})
"""Words before the kind of what is created; a definer's name may stand among them too."""
_BLOCKS = frozenset({"IF", "LOOP", "REPEAT", "WHILE"})
_OPENERS = frozenset({";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT", "ROW", ":", ")", "NOT ATOMIC"})
"""After these a word of a body begins a statement: there IF is no function."""
_LONGEST_HEADER = 12


@dataclass(frozen=True, slots=True)
class Marker:
    """A place ``:name`` in a statement; ``sure`` unless the database itself may mean something by it."""

    start: int
    end: int
    name: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its semicolon, and the places that may be parameters."""

    text: str
    markers: tuple[Marker, ...]
    first_word: str
    """Upper case; empty when it begins with a sign."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement as the driver takes it. ``values`` is None where the SQL has no parameters at all."""

    text: str
    values: tuple[Any, ...] | None
    first_word: str


def bind(statement: Statement, values: Mapping[str, Any] | None, dialect: Dialect) -> Bound:
    """Put a placeholder for each ``:name``. TaskFailed for a name that has no value."""
    used = [marker for marker in statement.markers if values is not None and _is_parameter(marker, values)]
    if not used or values is None:
        return Bound(statement.text, None, statement.first_word)
    parts, given, end = [], [], 0
    for number, marker in enumerate(used, start=1):
        parts += [_escaped(statement.text[end : marker.start], dialect), dialect.placeholder(number)]
        given.append(values[marker.name])
        end = marker.end
    parts.append(_escaped(statement.text[end:], dialect))
    return Bound("".join(parts), tuple(given), statement.first_word)


def _is_parameter(marker: Marker, values: Mapping[str, Any]) -> bool:
    if marker.name in values:
        return True
    if marker.sure:
        known = ", ".join(f"`{name}`" for name in values) or "none"
        raise TaskFailed(f"`:{marker.name}` in `sql` has no value in `parameters` (there is {known})")
    return False


def _escaped(text: str, dialect: Dialect) -> str:
    return text.replace("%", "%%") if dialect.percent_doubled else text


def split_statements(sql: str, dialect: Dialect) -> list[Statement]:
    """The statements in order. Those that are nothing but blanks and comments are left out."""
    return list(_Splitter(sql, dialect).statements())


class _Splitter:
    def __init__(self, sql: str, dialect: Dialect) -> None:
        self.sql = sql
        self.dialect = dialect
        self.begin()

    def begin(self) -> None:
        """Of a new statement."""
        self.depth = 0
        self.parentheses = 0
        self.routine = False
        self.header: list[str] = []
        self.first: str | None = None
        self.before = ""
        """The word or sign before; ``;`` at the start of a statement of a body."""
        self.markers: list[Marker] = []

    def statements(self) -> Iterator[Statement]:
        start = position = 0
        while found := self.dialect.pattern.search(self.sql, position):
            position = self._end_of(found)
            kind = found.lastgroup if found.lastgroup != "name" else "parameter"
            if kind == "sign" and found[0] == ";" and not self.depth and not self._inside():
                yield from self._made(start, found.start())
                start = position
                self.begin()
            else:
                self._take(found, kind or "")
        yield from self._made(start, len(self.sql))

    def _inside(self) -> bool:
        return self.dialect.parentheses and self.parentheses > 0

    def _end_of(self, found: re.Match[str]) -> int:
        groups = found.groupdict()
        if groups.get("nested"):
            return self._end_of_comment(found.end())
        if groups.get("dollar"):
            closing = self.sql.find(found[0], found.end())
            return len(self.sql) if closing < 0 else closing + len(found[0])
        return found.end()

    def _end_of_comment(self, position: int) -> int:
        depth = 1
        while depth and (edge := _COMMENT_EDGE.search(self.sql, position)):
            depth += 1 if edge[0] == "/*" else -1
            position = edge.end()
        return position if not depth else len(self.sql)

    def _take(self, found: re.Match[str], kind: str) -> None:
        if kind == "nested" or (kind == "opaque" and found[0][:2] in ("--", "/*")) or found[0][0] == "#":
            return
        if kind == "word":
            self._word(found[0].upper(), found.end())
            return
        if self.first is None:
            self.first = ""
        if kind == "parameter":
            self._marker(found)
        if found[0] in "()":
            self.parentheses += 1 if found[0] == "(" else -1
        # A name in quotes or a text is no keyword.
        self.before = found[0] if kind == "sign" else "'"

    def _marker(self, found: re.Match[str]) -> None:
        earlier = self.sql[found.start() - 1] if found.start() else " "
        # a[1:n], {'a':b} and label:LOOP are no parameters, unless a value says so.
        sure = not (earlier.isalnum() or earlier in "_$[]'\"`")
        if earlier != ":":
            self.markers.append(Marker(found.start(), found.end(), found["name"], sure))

    def _word(self, word: str, end: int) -> None:
        if self.first is None:
            self.first = word
        if not self.routine and self.first in ("CREATE", "ALTER") and len(self.header) < _LONGEST_HEADER:
            self.header.append(word)
            self.routine = word in _ROUTINES
        if self.routine:
            self._word_of_routine(word, end)
        self.before = word

    def _word_of_routine(self, word: str, end: int) -> None:
        if self.dialect.atomic_bodies:
            if self.depth or (word == "BEGIN" and self._next_word(end) == "ATOMIC"):
                self._count(word, blocks=frozenset())
        elif self.dialect.bodies:
            self._count(word, blocks=_BLOCKS)

    def _count(self, word: str, blocks: frozenset[str]) -> None:
        if self.before == "END" and (word in blocks or word == "CASE"):
            return  # END IF: the END has counted
        if word in ("BEGIN", "CASE") or (word in blocks and self._begins_statement(word)):
            self.depth += 1
        elif word == "END" and self.depth:
            self.depth -= 1

    def _begins_statement(self, word: str) -> bool:
        if not self.depth and word == "IF":
            # CREATE TRIGGER IF NOT EXISTS; the body of a routine may be one IF.
            return self.before not in _ROUTINES
        return not self.depth or self.before in _OPENERS

    def _next_word(self, position: int) -> str:
        found = self.dialect.pattern.search(self.sql, position)
        return found[0].upper() if found else ""

    def _made(self, start: int, end: int) -> Iterator[Statement]:
        if self.first is None:
            return
        text = self.sql[start:end]
        shift = start + len(text) - len(text.lstrip())
        markers = tuple(
            Marker(marker.start - shift, marker.end - shift, marker.name, marker.sure) for marker in self.markers
        )
        yield Statement(text.strip(), markers, self.first)
