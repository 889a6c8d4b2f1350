"""YAML that a caller sends as a value: YAML 1.2's core scalars, and limits against bombs."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_DEPTH = 100
MAX_NODES = 200_000
"""Nodes of the value with each alias counted in full: a short text of nested aliases can mean gigabytes."""


_PLAIN = "plain"
_STANDARD = "tag:yaml.org,2002:"


class _CoreLoader(yaml.SafeLoader):
    """Leaves plain scalars untyped: PyYAML would make dates, ``yes``, ``0o7`` and ``1:30`` into something else."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]


_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TYPED = frozenset(_STANDARD + name for name in ("null", "bool", "int", "float"))


def parse_yaml(text: str) -> Any:
    """The value of a YAML text, JSON-able. ValueError with line and column when it is no YAML or too large."""
    try:
        loader = _CoreLoader(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _Limits().measure(node, 0)
        return _construct(node)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError(f"the YAML is nested deeper than {MAX_DEPTH} levels") from error
    finally:
        loader.dispose()


class _Limits:
    """Sizes by node, so that an alias met again is counted but not walked again."""

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.open: set[int] = set()

    def measure(self, node: Node, depth: int) -> int:
        key = id(node)
        if depth > MAX_DEPTH or key in self.open:
            raise ValueError(f"the YAML is nested deeper than {MAX_DEPTH} levels")
        if key not in self.sizes:
            self.open.add(key)
            self.sizes[key] = 1 + sum(self.measure(child, depth + 1) for child in _children(node))
            self.open.remove(key)
        if self.sizes[key] > MAX_NODES:
            raise ValueError(f"the YAML has more than {MAX_NODES} values")
        return self.sizes[key]


def _children(node: Node) -> list[Node]:
    match node:
        case MappingNode():
            return [part for pair in node.value for part in pair]
        case SequenceNode():
            return list(node.value)
    return []


def _construct(node: Node) -> Any:
    match node:
        case MappingNode():
            return {_key(key): _construct(value) for key, value in node.value}
        case SequenceNode():
            return [_construct(item) for item in node.value]
        case ScalarNode():
            return _scalar(node)
    raise ValueError(f"unexpected node {node.tag}{_place(node)}")


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise ValueError(f"a key must be a text{_place(node)}")
    return str(node.value)


def _scalar(node: ScalarNode) -> Any:
    text: str = node.value
    if node.tag in ("!", _STANDARD + "str"):
        return text
    if node.tag != _PLAIN and node.tag not in _TYPED:
        raise ValueError(f"unknown tag {node.tag}{_place(node)}")
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _place(node: Node) -> str:
    return f" (line {node.start_mark.line + 1}, column {node.start_mark.column + 1})"
