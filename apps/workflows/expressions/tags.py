"""Tokens → tree, second half: text, print statements and the tags."""

from collections.abc import Callable

from apps.workflows.expressions import nodes
from apps.workflows.expressions.errors import SyntaxFailure, nearest
from apps.workflows.expressions.lexer import Kind, Token, tokenize
from apps.workflows.expressions.limits import MAX_NESTING
from apps.workflows.expressions.parser import CONSTANTS, FOREIGN_WORDS, Parser


class TemplateParser(Parser):
    """Reads a whole template; macros and blocks are collected on the way."""

    def __init__(self, tokens: list[Token]) -> None:
        super().__init__(tokens)
        self.macros: dict[str, nodes.Macro] = {}
        self.blocks: dict[str, nodes.Body] = {}
        self.tag_depth = 0
        self.tags: dict[str, Callable[[Token], nodes.Node | None]] = {
            "if": self._if,
            "for": self._for,
            "set": self._set,
            "macro": self._macro,
            "block": self._block,
            "filter": self._filter,
        }

    def template(self) -> nodes.Tree:
        """The tree of the whole text."""
        body, _ = self._body(frozenset(), "")
        return nodes.Tree(body, self.macros, self.blocks)

    def _body(self, ends: frozenset[str], opener: str) -> tuple[nodes.Body, str]:
        """Statements up to one of the tags `ends`, whose name is taken and returned."""
        position = self.token.position
        self.tag_depth += 1
        if self.tag_depth > MAX_NESTING:
            raise SyntaxFailure(f"Tags are nested more than {MAX_NESTING} deep.", position)
        statements: list[nodes.Node] = []
        while True:
            token = self.next()
            match token.kind:
                case Kind.TEXT:
                    statements.append(nodes.Text(token.position, token.value))
                case Kind.PRINT_OPEN:
                    expression = self.expression()
                    self.expect_kind(Kind.PRINT_CLOSE, '"}}"')
                    statements.append(nodes.Print(expression.position, expression))
                case Kind.TAG_OPEN:
                    name = self.expect_kind(Kind.NAME, "the name of a tag")
                    if name.value in ends:
                        self.tag_depth -= 1
                        return nodes.Body(position, tuple(statements)), name.value
                    statement = self._tag(name)
                    if statement is not None:
                        statements.append(statement)
                case _:
                    if ends:
                        missing = " or ".join(sorted(ends))
                        raise SyntaxFailure(f'The tag "{opener}" is never closed: {missing} is missing.', position)
                    return nodes.Body(position, tuple(statements)), ""

    def _tag(self, name: Token) -> nodes.Node | None:
        reader = self.tags.get(name.value)
        if reader is None:
            guess = FOREIGN_WORDS.get(name.value) or nearest(name.value, [*self.tags, "raw", "verbatim", "elseif"])
            raise SyntaxFailure(f'Unexpected tag name "{name.value}"', name.position, guess)
        return reader(name)

    def _close_tag(self) -> None:
        self.expect_kind(Kind.TAG_CLOSE, '"%}"')

    def _if(self, opener: Token) -> nodes.Node:
        branches: list[tuple[nodes.Node, nodes.Body]] = []
        otherwise: nodes.Body | None = None
        ended = "elseif"
        while ended == "elseif":
            condition = self.expression()
            self._close_tag()
            body, ended = self._body(frozenset({"elseif", "else", "endif"}), "if")
            branches.append((condition, body))
        if ended == "else":
            self._close_tag()
            otherwise, _ = self._body(frozenset({"endif"}), "if")
        self._close_tag()
        return nodes.If(opener.position, tuple(branches), otherwise)

    def _for(self, opener: Token) -> nodes.Node:
        variable = self._new_name()
        word = self.next()
        if word.kind is not Kind.NAME or word.value != "in":
            raise SyntaxFailure('A loop reads "for name in items".', word.position)
        items = self.expression()
        self._close_tag()
        otherwise: nodes.Body | None = None
        body, ended = self._body(frozenset({"else", "endfor"}), "for")
        if ended == "else":
            self._close_tag()
            otherwise, _ = self._body(frozenset({"endfor"}), "for")
        self._close_tag()
        return nodes.For(opener.position, variable, items, body, otherwise)

    def _set(self, opener: Token) -> nodes.Node:
        name = self._new_name()
        self.expect("=")
        value = self.expression()
        self._close_tag()
        return nodes.Set(opener.position, name, value)

    def _new_name(self) -> str:
        token = self.expect_kind(Kind.NAME, "a name")
        if token.value in CONSTANTS:
            raise SyntaxFailure(f'Can not assign a value to the reserved word "{token.value}".', token.position)
        return token.value

    def _macro(self, opener: Token) -> None:
        name = self.expect_kind(Kind.NAME, "the name of the macro").value
        parameters: list[tuple[str, nodes.Node | None]] = []
        self.expect("(")
        while not self.at(")"):
            if parameters:
                self.expect(",")
            parameter = self._new_name()
            default: nodes.Node | None = None
            if self.at("="):
                self.next()
                default = self.expression()
            parameters.append((parameter, default))
        self.next()
        self._close_tag()
        body, _ = self._body(frozenset({"endmacro"}), "macro")
        self._end_named(name)
        if name in self.macros:
            raise SyntaxFailure(f"More than one macro is named {name}.", opener.position)
        self.macros[name] = nodes.Macro(opener.position, name, tuple(parameters), body)

    def _block(self, opener: Token) -> nodes.Node:
        if self.token.kind not in (Kind.NAME, Kind.STRING):
            raise self.unexpected("expected the name of the block")
        name = self.next().value
        self._close_tag()
        body, _ = self._body(frozenset({"endblock"}), "block")
        self._end_named(name)
        if name in self.blocks:
            raise SyntaxFailure(f"More than one block is named {name}.", opener.position)
        self.blocks[name] = body
        return nodes.Block(opener.position, name)

    def _end_named(self, name: str) -> None:
        """The end of a macro or block may repeat its name."""
        if self.token.kind in (Kind.NAME, Kind.STRING):
            token = self.next()
            if token.value != name:
                raise SyntaxFailure(f'"{token.value}" is closed where "{name}" was opened.', token.position)
        self._close_tag()

    def _filter(self, opener: Token) -> nodes.Node:
        filters: list[tuple[int, str, nodes.Arguments]] = []
        while True:
            position = self.token.position
            filters.append((position, *self.filter_call()))
            if not (self.token.kind is Kind.OPERATOR and self.token.value == "|"):
                break
            self.next()
        self._close_tag()
        body, _ = self._body(frozenset({"endfilter"}), "filter")
        self._close_tag()
        return nodes.FilterTag(opener.position, tuple(filters), body)


def parse(text: str) -> nodes.Tree:
    """Text → tree; raises SyntaxFailure."""
    return TemplateParser(tokenize(text)).template()
