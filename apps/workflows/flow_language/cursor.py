"""Cursor: where in a YAML text somebody types, told from indentation alone, so that broken text has an answer too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_KEY = re.compile(
    r"""^(?P<lead>[ ]*(?:-[ ]+)*)(?P<key>"[^"]*"|'[^']*'|[^\s#'"\[\]{}:,][^#:]*?)[ ]*:(?:[ ]+(?P<value>.*?))?[ ]*$"""
)
_DASHES = re.compile(r"^(?P<indent>[ ]*)(?P<dashes>(?:-[ ]+)*-?)")
_BLOCK = re.compile(r"(?:^|:[ ]+|-[ ]+)[|>][-+0-9]*[ ]*(?:#.*)?$")
_COMMENT = re.compile(r"[ ]+#.*$")


@dataclass(frozen=True, slots=True)
class Level:
    """A map on the way from the root to the cursor: the key it lies under, whether as an item of a list, its texts."""

    key: str
    in_list: bool
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Spot:
    """What is typed. ``key`` is the one whose value is typed, empty while a key itself is; ``start`` where the typed
    part begins, counted from 0 in its line; ``expression`` the text since the braces opened, None outside of them.
    """

    levels: tuple[Level, ...]
    key: str
    typed: str
    start: int
    in_list: bool = False
    in_text: bool = False
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    indent: int
    dash: int | None
    """Column of the first dash."""
    column: int
    """Column of what follows the dashes."""
    key: str
    value: str


def locate(source: str, line: int, column: int) -> Spot:
    """The spot at a place counted from 0; places outside of the text count as its nearest."""
    lines = source.split("\n")
    line = min(max(line, 0), len(lines) - 1)
    head = lines[line][: max(column, 0)]
    expression = _expression(lines, line, head)
    here = _read(head)
    at = len(head) if here is None else here.column
    levels, in_text = _levels(lines, line, at, here)
    match = _KEY.match(head + " ") if here is not None and here.key else None
    if match is not None:
        start = len(head) if not here or not here.value else head.rfind(here.value)
        return Spot(levels, here.key if here else "", head[start:], start, in_text=in_text, expression=expression)
    typed = head[at:]
    # `- x` may be an item of a list of texts or the first key of a map: the schema knows.
    in_list = here is not None and here.dash is not None
    return Spot(levels, "", typed, at, in_list=in_list, in_text=in_text, expression=expression)


def word_at(source: str, line: int, column: int) -> tuple[str, int, int]:
    """(word, start, end) of what stands at a place of a line, both counted from 0; dots belong to words."""
    text = source.split("\n")[line] if 0 <= line < source.count("\n") + 1 else ""
    for match in re.finditer(r"[\w$][\w.$-]*", text):
        if match.start() <= column <= match.end():
            return match.group(), match.start(), match.end()
    return "", column, column


def _expression(lines: Sequence[str], line: int, head: str) -> str | None:
    """Since the last `{{` or `{%` that is not closed, at most twenty lines back."""
    text = "\n".join([*lines[max(0, line - 20) : line], head])
    opened = max(text.rfind("{{"), text.rfind("{%"))
    if opened < 0 or max(text.rfind("}}"), text.rfind("%}")) > opened:
        return None
    return text[opened + 2 :]


def _read(text: str) -> _Line | None:
    if not text.strip() or text.lstrip().startswith("#"):
        return None
    match = _DASHES.match(text)
    assert match is not None  # noqa: S101  # matches the empty text
    indent = len(match["indent"])
    dashes = match["dashes"]
    if dashes and not dashes.endswith(" ") and len(text) > match.end():
        dashes = dashes[:-1]  # `-x` is a text
    column = indent + len(dashes)
    key = _KEY.match(_COMMENT.sub("", text) + " ")
    return _Line(
        indent,
        indent if dashes else None,
        column if len(text) > column or not dashes else len(text),
        key["key"].strip("\"'") if key else "",
        (key["value"] or "") if key else "",
    )


def _levels(lines: Sequence[str], line: int, at: int, here: _Line | None) -> tuple[tuple[Level, ...], bool]:
    found: list[Level] = []
    want, first_dash = at, here.dash if here is not None else None
    values = dict(_below(lines, line, at))
    in_text = False
    in_list = first_dash is not None
    if in_list and first_dash is not None:
        want = first_dash
    elif here is not None and here.key:
        values.setdefault(here.key, here.value)
    for number in range(line - 1, -1, -1):
        one = _read(lines[number])
        if one is None:
            continue
        if not in_list and one.column == want and one.key:
            values.setdefault(one.key, _plain(one.value))
            if one.dash is not None:
                in_list, want = True, one.dash
            continue
        parent = one.key and (one.column < want or (in_list and one.column == want and one.dash is None))
        if not parent:
            continue
        if _BLOCK.search(lines[number]) and not found:
            in_text = True
        found.append(Level(one.key, in_list, values))
        values = {one.key: "", **dict(_below(lines, number, one.column))}
        in_list = one.dash is not None
        want = one.dash if one.dash is not None else one.column
    found.append(Level("", False, values))
    return tuple(reversed(found)), in_text


def _below(lines: Sequence[str], line: int, column: int) -> Iterator[tuple[str, str]]:
    """Keys of the same map after a line."""
    for text in lines[line + 1 :]:
        one = _read(text)
        if one is None:
            continue
        if one.indent < column:
            return
        if one.column == column and one.key:
            yield one.key, _plain(one.value)


def _plain(value: str) -> str:
    return value.strip().strip("\"'")
