"""YAML: value → text in the original's layout, and text → value."""

import re
from collections.abc import Mapping, Set
from typing import Any, Final

import yaml

from apps.workflows.expressions import temporal
from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.json_text import ESCAPES, to_json
from apps.workflows.expressions.limits import MAX_NESTING
from apps.workflows.expressions.text import join_texts, plain_text

RESERVED: Final = frozenset(
    ["~", "y", "Y", "n", "N"]
    + [
        form
        for word in ("null", "true", "false", "yes", "no", "on", "off")
        for form in (word, word.title(), word.upper())
    ]
)
NUMBER: Final = re.compile(r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?|0x[0-9a-fA-F]+|0o?[0-7]+)")
# Quoted because of what they would mean: flow brackets, comments, entries.
MEANINGFUL: Final = re.compile(r"[\[\]{},]|(?:^|\s)#|:(?:\s|$)")
# No plain text for the emitter either: it takes single quotes.
INDICATED: Final = re.compile(r"[&*!|>%@`'\"]|[-?](?:\s|$)|---|\.\.\.|\s|.*\s$", re.DOTALL)
UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_yaml(value: object) -> str:
    """Block style without a document marker; lists are indented by one, quotes as few as possible."""
    # A measure against lists that hold one large text many times, before all of them are laid out.
    to_json(value)
    if isinstance(value, Mapping) and value:
        lines = map_lines(value, 0, 0)
    elif is_items(value) and value:
        lines = list_lines(value, 0, 0)
    else:
        lines = scalar_lines(value, 0)
    return join_texts(line + "\n" for line in lines)


def is_items(value: object) -> bool:
    """Lists and sets."""
    return isinstance(value, list | tuple | Set)


def check_depth(depth: int) -> None:
    """Refuse what no one can have meant."""
    if depth > MAX_NESTING:
        raise Failure(f"A value is nested more than {MAX_NESTING} deep.")


def map_lines(value: Mapping[Any, Any], indent: int, depth: int) -> list[str]:
    """The entries, each starting at a column."""
    check_depth(depth)
    lines: list[str] = []
    for key, item in value.items():
        head = " " * indent + key_text(plain_text(key)) + ":"
        if isinstance(item, Mapping) and item:
            lines += [head, *map_lines(item, indent + 2, depth + 1)]
        elif is_items(item) and len(item):
            lines += [head, *list_lines(item, indent, depth + 1)]
        else:
            first, *rest = scalar_lines(item, indent + 2)
            lines += [f"{head} {first}", *rest]
    return lines


def list_lines(value: Any, indent: int, depth: int) -> list[str]:
    """The items, their dash one column further right."""
    check_depth(depth)
    dash = " " * (indent + 1) + "-"
    lines: list[str] = []
    for item in value:
        if isinstance(item, Mapping) and item:
            lines += [dash, *map_lines(item, indent + 2, depth + 1)]
        elif is_items(item) and len(item):
            lines += [dash, *list_lines(item, indent + 2, depth + 1)]
        else:
            first, *rest = scalar_lines(item, indent + 2)
            lines += [f"{dash} {first}", *rest]
    return lines


def scalar_lines(value: object, indent: int) -> list[str]:
    """A value without items; texts of several lines take several."""
    if isinstance(value, str):
        return text_lines(value, indent)
    if value is None:
        return ["null"]
    if isinstance(value, Mapping):
        return ["{}"]
    if is_items(value):
        return ["[]"]
    found = temporal.normalized(value)
    if isinstance(found, temporal.Duration):
        return [temporal.duration_seconds(found)]
    if isinstance(found, temporal.ZonedDateTime | temporal.LocalDateTime):
        return text_lines(temporal.json_text(found), indent)
    return [plain_text(value)]


def text_lines(value: str, indent: int) -> list[str]:
    """Plain where that is safe, else quoted; with line breaks in literal style."""
    if "\n" in value and not UNPRINTABLE.search(value) and not re.search(r"[ \t]\n|[ \t]$|\r", value):
        return literal_lines(value, indent)
    if "\n" in value or UNPRINTABLE.search(value) or "\t" in value or "\r" in value:
        return [double_quoted(value)]
    if value == "" or value in RESERVED or MEANINGFUL.search(value):
        return [double_quoted(value)]
    if INDICATED.match(value):
        return ["'" + value.replace("'", "''") + "'"]
    return [value]


def literal_lines(value: str, indent: int) -> list[str]:
    """The lines as they are, behind a bar that tells what happens at the end."""
    body = value.rstrip("\n")
    ends = len(value) - len(body)
    hint = "2" if value.startswith((" ", "\n")) else ""
    header = "|" + hint + ("-" if ends == 0 else "" if ends == 1 and body else "+")
    margin = " " * max(indent, 2)
    lines = [margin + line if line else "" for line in value.split("\n")]
    if ends:
        lines.pop()
    return [header, *lines]


def key_text(key: str) -> str:
    """A key, quoted where it would read as something else than text."""
    if key == "" or key in RESERVED or NUMBER.fullmatch(key) or MEANINGFUL.search(key) or "\n" in key:
        return double_quoted(key)
    if INDICATED.match(key):
        return "'" + key.replace("'", "''") + "'"
    return key


def double_quoted(value: str) -> str:
    """Between double quotes, with what can not be shown escaped."""
    escapes = {**ESCAPES, '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


class Loader(yaml.SafeLoader):
    """Reads plain data: dates stay texts, references are not followed (they could grow without end)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("tag:yaml.org,2002:str", event.anchor, event.start_mark, event.end_mark)
        return super().compose_node(parent, index)


# Without the resolvers of dates and of the merge key.
Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":merge"))]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(source: str) -> object:
    """The first document of a text; raises ValueError."""
    try:
        return yaml.load(source, Loader=Loader)  # noqa: S506 - the loader is a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise ValueError(type(error).__name__) from None
