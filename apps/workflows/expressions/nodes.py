"""The tree between parser and compiler: plain data, one class per construct."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    position: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: object


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`base.key` and `base[key]`; `arguments` is None unless it is a method call."""

    base: Node
    key: Node
    arguments: "Arguments | None" = None


@dataclass(frozen=True, slots=True)
class Arguments(Node):
    positional: tuple[Node, ...] = ()
    named: tuple[tuple[str, Node], ...] = ()


@dataclass(frozen=True, slots=True)
class Call(Node):
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Filter(Node):
    operand: Node
    name: str
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Test(Node):
    operand: Node
    name: str
    arguments: Arguments
    negated: bool


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapLiteral(Node):
    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Interpolated(Node):
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Body(Node):
    """What stands between two tags, in order."""

    statements: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Print(Node):
    expression: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    branches: tuple[tuple[Node, Body], ...]
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class For(Node):
    variable: str
    items: Node
    body: Body
    otherwise: Body | None


@dataclass(frozen=True, slots=True)
class Set(Node):
    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class FilterTag(Node):
    """The filters in order, each with its operand left as a hole: the compiler feeds the body through."""

    filters: tuple[tuple[int, str, Arguments], ...]
    body: Body


@dataclass(frozen=True, slots=True)
class Block(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Macro(Node):
    name: str
    parameters: tuple[tuple[str, Node | None], ...]
    body: Body


@dataclass(slots=True)
class Tree:
    """A whole template. Macros and blocks are usable before the place that defines them."""

    body: Body
    macros: dict[str, Macro] = field(default_factory=dict)
    blocks: dict[str, Body] = field(default_factory=dict)
