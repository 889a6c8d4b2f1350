"""Tokens → tree: expressions by precedence climbing; the tags are in `tags`."""

from apps.workflows.expressions import nodes
from apps.workflows.expressions.errors import SyntaxFailure
from apps.workflows.expressions.lexer import Kind, Token
from apps.workflows.expressions.limits import MAX_NESTING

# Longer tokens are not repeated in errors.
SHOWN = 40
UNARY_PRECEDENCE = 500
UNARY = frozenset({"not", "+", "-"})
FILTER_PRECEDENCE = 100
PRECEDENCE = {
    "or": 10,
    "and": 15,
    "is": 20,
    "is not": 20,
    "contains": 20,
    "==": 30,
    "equals": 30,
    "!=": 30,
    ">": 30,
    "<": 30,
    ">=": 30,
    "<=": 30,
    "+": 40,
    "-": 40,
    "*": 60,
    "/": 60,
    "%": 60,
    "|": FILTER_PRECEDENCE,
    "~": 110,
    "..": 120,
    "??": 120,
    "???": 120,
}
CONSTANTS: dict[str, object] = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
# Words of other template languages, and what to write here.
FOREIGN_WORDS = {"in": "contains", "if": "? :", "else": "? :", "elif": "elseif", "matches": "contains"}


class Parser:
    """Reads expressions from a list of tokens; `index` is the token looked at."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def next(self) -> Token:
        """Take the current token; the last one, END, is never left."""
        token = self.tokens[self.index]
        if token.kind is not Kind.END:
            self.index += 1
        return token

    def at(self, value: str) -> bool:
        """Whether the current token is this punctuation mark."""
        return self.token.kind is Kind.PUNCTUATION and self.token.value == value

    def expect(self, value: str) -> Token:
        """Take this punctuation mark, or raise SyntaxFailure."""
        if not self.at(value):
            raise self.unexpected(f'expected "{value}"')
        return self.next()

    def expect_kind(self, kind: Kind, what: str) -> Token:
        """Take a token of this kind, or raise SyntaxFailure."""
        if self.token.kind is not kind:
            raise self.unexpected(f"expected {what}")
        return self.next()

    def unexpected(self, hint: str) -> SyntaxFailure:
        """The error for the current token."""
        token = self.token
        shown = token.value or token.kind.name.lower().replace("_", " ")
        shown = shown if len(shown) <= SHOWN else "…"
        return SyntaxFailure(f'Unexpected token "{shown}": {hint}', token.position, FOREIGN_WORDS.get(token.value))

    def expression(self, minimum: int = 0) -> nodes.Node:
        """An expression whose operators bind at least as tightly as `minimum`; 0 includes the ternary."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise SyntaxFailure(f"Expressions are nested more than {MAX_NESTING} deep.", self.token.position)
        left = self._operand()
        while self.token.kind is Kind.OPERATOR and PRECEDENCE.get(self.token.value, -1) >= minimum:
            left = self._binary(left, self.next())
        if minimum == 0 and self.at("?"):
            left = self._ternary(left)
        self.depth -= 1
        return left

    def _operand(self) -> nodes.Node:
        token = self.token
        if token.kind is Kind.OPERATOR and token.value in UNARY:
            self.next()
            return nodes.Unary(token.position, token.value, self.expression(UNARY_PRECEDENCE))
        if token.kind is Kind.PUNCTUATION:
            match token.value:
                case "(":
                    self.next()
                    inner = self.expression()
                    self.expect(")")
                    return self._postfix(inner)
                case "[":
                    return self._list()
                case "{":
                    return self._map()
        return self._postfix(self._primary())

    def _binary(self, left: nodes.Node, operator: Token) -> nodes.Node:
        match operator.value:
            case "|":
                name, arguments = self.filter_call()
                return nodes.Filter(operator.position, left, name, arguments)
            case "is" | "is not":
                name = self.expect_kind(Kind.NAME, "the name of a test").value
                arguments = self.arguments() if self.at("(") else nodes.Arguments(operator.position)
                return nodes.Test(operator.position, left, name, arguments, operator.value == "is not")
            case _:
                right = self.expression(PRECEDENCE[operator.value] + 1)
                value = "==" if operator.value == "equals" else operator.value
                return nodes.Binary(operator.position, value, left, right)

    def filter_call(self) -> tuple[str, nodes.Arguments]:
        """What follows a bar: a filter's name and its arguments, if any."""
        token = self.expect_kind(Kind.NAME, "the name of a filter")
        return token.value, self.arguments() if self.at("(") else nodes.Arguments(token.position)

    def _ternary(self, condition: nodes.Node) -> nodes.Node:
        position = self.expect("?").position
        yes = self.expression()
        self.expect(":")
        return nodes.Ternary(position, condition, yes, self.expression())

    def _primary(self) -> nodes.Node:
        token = self.token
        match token.kind:
            case Kind.NAME:
                self.next()
                if token.value in CONSTANTS:
                    return nodes.Literal(token.position, CONSTANTS[token.value])
                if self.at("("):
                    return nodes.Call(token.position, token.value, self.arguments())
                return nodes.Name(token.position, token.value)
            case Kind.NUMBER:
                self.next()
                number: object = float(token.value) if "." in token.value else int(token.value)
                return nodes.Literal(token.position, number)
            case Kind.STRING:
                self.next()
                return nodes.Literal(token.position, token.value)
            case Kind.QUOTE_OPEN:
                return self._interpolated()
            case _:
                raise self.unexpected("expected a value")

    def _interpolated(self) -> nodes.Node:
        position = self.next().position
        parts: list[nodes.Node] = []
        while self.token.kind is not Kind.QUOTE_CLOSE:
            token = self.next()
            if token.kind is Kind.STRING:
                parts.append(nodes.Literal(token.position, token.value))
            else:
                parts.append(self.expression())
                self.expect_kind(Kind.INTERPOLATION_CLOSE, '"}" at the end of #{…}')
        self.next()
        return nodes.Interpolated(position, tuple(parts))

    def _postfix(self, node: nodes.Node) -> nodes.Node:
        while self.token.kind is Kind.PUNCTUATION:
            if self.at("."):
                self.next()
                name = self.expect_kind(Kind.NAME, "the name of an attribute")
                key = nodes.Literal(name.position, name.value)
                arguments = self.arguments() if self.at("(") else None
                node = nodes.Attribute(name.position, node, key, arguments)
            elif self.at("["):
                position = self.next().position
                subscript = self.expression()
                self.expect("]")
                node = nodes.Attribute(position, node, subscript)
            else:
                break
        return node

    def arguments(self) -> nodes.Arguments:
        """`(a, b, name=c)`: the named ones last."""
        position = self.expect("(").position
        positional: list[nodes.Node] = []
        named: list[tuple[str, nodes.Node]] = []
        while not self.at(")"):
            if positional or named:
                self.expect(",")
            follower = self.tokens[self.index + 1] if self.token.kind is Kind.NAME else None
            if follower and follower.kind is Kind.PUNCTUATION and follower.value == "=":
                name = self.next().value
                self.next()
                named.append((name, self.expression()))
            elif named:
                raise SyntaxFailure("Positional arguments must come before named arguments.", self.token.position)
            else:
                positional.append(self.expression())
        self.next()
        return nodes.Arguments(position, tuple(positional), tuple(named))

    def _list(self) -> nodes.Node:
        position = self.expect("[").position
        items: list[nodes.Node] = []
        while not self.at("]"):
            if items:
                self.expect(",")
            items.append(self.expression())
        self.next()
        return nodes.ListLiteral(position, tuple(items))

    def _map(self) -> nodes.Node:
        position = self.expect("{").position
        entries: list[tuple[nodes.Node, nodes.Node]] = []
        while not self.at("}"):
            if entries:
                self.expect(",")
            key = self.expression()
            self.expect(":")
            entries.append((key, self.expression()))
        self.next()
        return nodes.MapLiteral(position, tuple(entries))
