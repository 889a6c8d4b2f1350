"""Any JSON value as a bounded tree for pages: long texts and long lists are cut, secrets hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apps.storage.internal_storage import SCHEME
from apps.workflows.services.encrypted_values import ENCRYPTED
from apps.workflows.services.inputs import MASK

MOST_CHILDREN: Final = 100
MOST_NODES: Final = 1_000
LONGEST: Final = 2_000
DEEPEST: Final = 12


@dataclass(frozen=True)
class ValueNode:
    """One key with its value. `kind` is text, number, boolean, null, file, secret, map, list or cut."""

    key: str
    kind: str
    text: str = ""
    children: tuple[ValueNode, ...] = ()
    shortened: bool = False
    size: int = 0


def value_tree(value: Any) -> list[ValueNode]:
    """The entries of a map (or list); what is neither becomes one node named `value`."""
    budget = [MOST_NODES]
    if isinstance(value, Mapping) and value.get("type") != ENCRYPTED:
        return _children([(str(key), item) for key, item in value.items()], 0, budget)
    if isinstance(value, list):
        return _children([(str(number), item) for number, item in enumerate(value)], 0, budget)
    return [] if value is None else [_node("value", value, 0, budget)]


def _children(pairs: list[tuple[str, Any]], depth: int, budget: list[int]) -> list[ValueNode]:
    shown = [_node(key, item, depth, budget) for key, item in pairs[: min(MOST_CHILDREN, max(budget[0], 1))]]
    hidden = len(pairs) - len(shown)
    if hidden:
        shown.append(ValueNode("…", "cut", f"{hidden} more; the API gives all of them"))
    return shown


def _node(key: str, value: Any, depth: int, budget: list[int]) -> ValueNode:
    budget[0] -= 1
    match value:
        case None:
            return ValueNode(key, "null", "null")
        case bool():
            return ValueNode(key, "boolean", "true" if value else "false")
        case int() | float():
            return ValueNode(key, "number", str(value))
        case str():
            kind = "file" if value.startswith(SCHEME) else "text"
            return ValueNode(key, kind, value[:LONGEST], shortened=len(value) > LONGEST, size=len(value))
        case Mapping() if value.get("type") == ENCRYPTED:
            return ValueNode(key, "secret", MASK)
        case Mapping() if depth < DEEPEST:
            pairs = [(str(name), item) for name, item in value.items()]
            return ValueNode(key, "map", children=tuple(_children(pairs, depth + 1, budget)), size=len(pairs))
        case list() if depth < DEEPEST:
            pairs = [(str(number), item) for number, item in enumerate(value)]
            return ValueNode(key, "list", children=tuple(_children(pairs, depth + 1, budget)), size=len(pairs))
    return ValueNode(key, "text", json.dumps(value, ensure_ascii=False)[:LONGEST], shortened=True)
