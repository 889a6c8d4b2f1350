"""Document: a YAML text as a tree of values that knows where each of them stands, read under limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from apps.workflows.flow_language.scalars import read_plain
from apps.workflows.flow_language.violations import InvalidFlow, Path, Violation, format_path

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_ALIASED = 20_000
"""Values that aliases may add, each alias counted in full: a short text of nested aliases can mean gigabytes."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD_TAGS = frozenset("tag:yaml.org,2002:" + name for name in ("null", "bool", "int", "float"))
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_MERGE_KEY = "<<"


@dataclass(slots=True)
class Place:
    """Where a value stands, and the places of what it holds.

    ``size`` counts the values in it, itself too; ``height`` the levels it has, aliases followed.
    """

    line: int
    column: int
    children: dict[str | int, Place] = field(default_factory=dict)
    keys: dict[str | int, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    height: int = 1

    def hold(self, key: str | int, child: Place) -> None:
        """Note a value that lies in this one."""
        self.children[key] = child
        self.size += child.size
        self.height = max(self.height, child.height + 1)


@dataclass(frozen=True, slots=True)
class Document:
    """A value, its place, and the keys that were written twice."""

    value: Any
    place: Place
    duplicates: tuple[Violation, ...]

    def locate(self, steps: Path) -> tuple[Path, int, int]:
        """The path in the document that is nearest to ``steps``, with its line and column.

        Steps that name no key are left out: they come from a checker's own bookkeeping (which of several forms was
        tried), or from what was never written.
        """
        place, at, path = self.place, (self.place.line, self.place.column), []
        for step in steps:
            key = step
            if isinstance(step, int) and step not in place.children and place.keys:
                key = list(place.keys)[step] if step < len(place.keys) else step  # a map that was read as a list
            if key in place.children:
                at = place.keys.get(key, (place.children[key].line, place.children[key].column))
                place = place.children[key]
                path.append(key)
        return tuple(path), *at

    def value_at(self, path: Path) -> Any:
        """The value at a path of this document; None when there is none."""
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_document(source: str) -> Document:
    """Read one YAML document. InvalidFlow when the text is no YAML, too large, or uses what is not allowed.

    Keys are texts. Plain booleans and numbers are Scalars. A key written twice is noted, its first value holds.
    """
    if len(source) > MAX_BYTES or len(source.encode(errors="replace")) > MAX_BYTES:
        raise _refused(f"The flow is larger than {MAX_BYTES // 1024} KiB")
    try:
        return _Reader(source).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise _refused(f"Invalid YAML: {error.problem or error.context}", line, column) from error
    except yaml.YAMLError as error:
        raise _refused(f"Invalid YAML: {str(error).splitlines()[0]}", *_position(source, error)) from error


def _position(source: str, error: yaml.YAMLError) -> tuple[int, int]:
    offset = getattr(error, "position", None)
    if not isinstance(offset, int):
        return 0, 0
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _refused(message: str, line: int = 0, column: int = 0) -> InvalidFlow:
    return InvalidFlow([Violation(message, line=line, column=column)])


class _Reader:
    """Builds values from parser events: nothing is constructed that was not counted first."""

    def __init__(self, source: str) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(source, Loader=_LOADER))
        self.anchors: dict[str, tuple[Any, Place] | None] = {}
        self.duplicates: list[Violation] = []
        self.aliased = 0

    def read(self) -> Document:
        value, place = None, Place(1, 1)
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _at(event, "The text holds several documents, separated by `---`; give one flow at a time")
                value, place = self.node(next(self.events), ())
        return Document(value, place, tuple(self.duplicates))

    def node(self, event: Any, path: Path) -> tuple[Any, Place]:
        if len(path) > MAX_DEPTH:
            raise _at(event, f"The flow is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, AliasEvent):
            return self.alias(event, len(path))
        anchor = event.anchor if isinstance(event, NodeEvent) else None
        if anchor is not None:
            self.anchors[anchor] = None
        made: tuple[Any, Place]
        match event:
            case ScalarEvent():
                made = _scalar(event), _place(event)
            case MappingStartEvent():
                made = self.mapping(event, path)
            case SequenceStartEvent():
                made = self.sequence(event, path)
            case _:
                raise _at(event, f"Unexpected {type(event).__name__}")
        if anchor is not None:
            self.anchors[anchor] = made
        return made

    def alias(self, event: AliasEvent, depth: int) -> tuple[Any, Place]:
        found = self.anchors.get(str(event.anchor))
        if found is None:
            known = "stands inside its own anchor" if event.anchor in self.anchors else "has no anchor"
            raise _at(event, f"Invalid YAML: the alias `*{event.anchor}` {known}")
        value, place = found
        self.aliased += place.size
        if self.aliased > MAX_ALIASED:
            raise _at(event, f"The aliases of the flow stand for more than {MAX_ALIASED} values")
        if depth + place.height > MAX_DEPTH:
            raise _at(event, f"The flow is nested deeper than {MAX_DEPTH} levels")
        return value, Place(*_line_column(event), place.children, place.keys, place.size, place.height)

    def sequence(self, event: SequenceStartEvent, path: Path) -> tuple[list[Any], Place]:
        _check_tag(event)
        values: list[Any] = []
        place = _place(event)
        while not isinstance(item := next(self.events), CollectionEndEvent):
            value, at = self.node(item, (*path, len(values)))
            place.hold(len(values), at)
            values.append(value)
        return values, place

    def mapping(self, event: MappingStartEvent, path: Path) -> tuple[dict[str, Any], Place]:
        _check_tag(event)
        values: dict[str, Any] = {}
        place = _place(event)
        merged: list[tuple[Any, Place]] = []
        while not isinstance(key_event := next(self.events), CollectionEndEvent):
            key = self.key(key_event)
            value, at = self.node(next(self.events), (*path, key))
            if key == _MERGE_KEY and key_event.implicit[0]:
                merged.append((value, at))
            elif key in values:
                line, column = _line_column(key_event)
                self.duplicates.append(Violation(f"Duplicate field '{key}'", format_path((*path, key)), line, column))
            else:
                values[key] = value
                place.hold(key, at)
                place.keys[key] = _line_column(key_event)
        for value, at in merged:
            self.merge(values, place, value, at)
        return values, place

    def key(self, event: Any) -> str:
        if isinstance(event, AliasEvent):
            value, _ = self.alias(event, 0)
            if isinstance(value, str):
                return str(value)
        if not isinstance(event, ScalarEvent):
            raise _at(event, "Invalid YAML: a key must be a text")
        _check_text(event)
        return str(event.value)

    def merge(self, values: dict[str, Any], place: Place, value: Any, at: Place) -> None:
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.merge(values, place, item, at.children[number])
            return
        if not isinstance(value, dict):
            raise _refused("Invalid YAML: `<<` takes a map or a list of maps", at.line, at.column)
        for key, item in value.items():
            if key not in values:
                values[key] = item
                place.hold(key, at.children[key])
                place.keys[key] = at.keys[key]


def _scalar(event: ScalarEvent) -> Any:
    _check_text(event)
    text: str = event.value
    if event.tag in _TEXT_TAGS or (event.tag is None and not event.implicit[0]):
        return text
    if event.tag is not None and event.tag not in _STANDARD_TAGS:
        raise _at(event, f"Invalid YAML: unknown tag {event.tag}")
    return read_plain(text)


def _check_text(event: ScalarEvent) -> None:
    # Escapes can write what neither the database nor JSON can hold.
    text: str = event.value
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text if letter > "\ud7ff"):
        raise _at(event, "Invalid YAML: the text holds a character that cannot be stored")


def _check_tag(event: Any) -> None:
    if event.tag not in _COLLECTION_TAGS:
        raise _at(event, f"Invalid YAML: unknown tag {event.tag}")


def _line_column(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _place(event: Any) -> Place:
    return Place(*_line_column(event))


def _at(event: Any, message: str) -> InvalidFlow:
    return _refused(message, *_line_column(event))
