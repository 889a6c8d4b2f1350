"""Text → tokens: where text ends and expressions begin, and the words within them."""

import re
from enum import Enum, auto
from typing import NamedTuple

from apps.workflows.expressions.errors import SyntaxFailure

MAX_INTEGER = 2**63 - 1


class Kind(Enum):
    TEXT = auto()
    PRINT_OPEN = auto()
    PRINT_CLOSE = auto()
    TAG_OPEN = auto()
    TAG_CLOSE = auto()
    NAME = auto()
    OPERATOR = auto()
    PUNCTUATION = auto()
    NUMBER = auto()
    STRING = auto()
    QUOTE_OPEN = auto()
    QUOTE_CLOSE = auto()
    INTERPOLATION_OPEN = auto()
    INTERPOLATION_CLOSE = auto()
    END = auto()


class Token(NamedTuple):
    kind: Kind
    value: str
    position: int


OPENING = re.compile(r"\{\{|\{%|\{#")
# A dash right after the opening trims only when white space follows; otherwise it is a minus.
OPENING_TRIM = re.compile(r"-(?=\s)")
PRINT_CLOSING = re.compile(r"\s*(-?)\}\}")
TAG_CLOSING = re.compile(r"\s*(-?)%\}")
COMMENT_CLOSING = re.compile(r"(-?)#\}")
VERBATIM_OPENING = re.compile(r"\s*verbatim\s*(-?)%\}")
VERBATIM_CLOSING = re.compile(r"\{%(-?)\s*endverbatim\s*(-?)%\}")
SPACES = re.compile(r"\s*")

TOKEN = re.compile(
    r"""(?P<operator>(?:is\ not|is|and|or|not|contains|equals)(?!\w)|\?\?\?|\?\?|==|!=|>=|<=|\.\.|[><+\-*/%|~])
      |(?P<name>[^\W\d]\w*)
      |(?P<number>[0-9]+\.[0-9]+|[0-9]+L?)
      |(?P<punctuation>[()\[\]{}?:.,=])
      |(?P<string>'(?:[^'\\]|\\.)*')
      |(?P<quote>")""",
    re.VERBOSE | re.DOTALL,
)
QUOTED_PART = re.compile(r'(?:[^"\\#]|\\.|#(?!\{))+', re.DOTALL)
BRACKETS = {")": "(", "]": "[", "}": "{"}


class Lexer:
    """Walks once over the text; `tokens` is what it has found so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.tokens: list[Token] = []
        self.trim_next = False

    def run(self) -> list[Token]:
        """All tokens of the text, ending with one END. Raises SyntaxFailure."""
        while self.position < len(self.text):
            opening = OPENING.search(self.text, self.position)
            if opening is None:
                self._add_text(self.text[self.position :], self.position, trim_end=False)
                self.position = len(self.text)
                break
            start = opening.start()
            after = opening.end()
            trim = OPENING_TRIM.match(self.text, after)
            self._add_text(self.text[self.position : start], self.position, trim_end=trim is not None)
            self.position = trim.end() if trim else after
            match opening.group():
                case "{#":
                    self._skip_comment(start)
                case "{%" if verbatim := VERBATIM_OPENING.match(self.text, self.position):
                    self._read_verbatim(verbatim, start)
                case "{%":
                    self._read_code(start, Kind.TAG_OPEN, Kind.TAG_CLOSE, TAG_CLOSING)
                case _:
                    self._read_code(start, Kind.PRINT_OPEN, Kind.PRINT_CLOSE, PRINT_CLOSING)
        self.tokens.append(Token(Kind.END, "", len(self.text)))
        return self.tokens

    def _add_text(self, value: str, position: int, trim_end: bool) -> None:
        if self.trim_next:
            value = value.lstrip()
            self.trim_next = False
        if trim_end:
            value = value.rstrip()
        if value:
            self.tokens.append(Token(Kind.TEXT, value, position))

    def _skip_comment(self, start: int) -> None:
        closing = COMMENT_CLOSING.search(self.text, self.position)
        if closing is None:
            raise SyntaxFailure("Unclosed comment.", start)
        self._close(closing)

    def _read_verbatim(self, opening: re.Match[str], start: int) -> None:
        closing = VERBATIM_CLOSING.search(self.text, opening.end())
        if closing is None:
            raise SyntaxFailure("The tag verbatim is never closed by endverbatim.", start)
        body = self.text[opening.end() : closing.start()].lstrip()
        if closing.group(1):
            body = body.rstrip()
        if body:
            self.tokens.append(Token(Kind.TEXT, body, opening.end()))
        self.position = closing.end()
        self.trim_next = bool(closing.group(2))

    def _close(self, closing: re.Match[str]) -> None:
        self.position = closing.end()
        self.trim_next = bool(closing.group(1))

    def _read_code(self, start: int, opens: Kind, closes: Kind, closing_pattern: re.Pattern[str]) -> None:
        self.tokens.append(Token(opens, "", start))
        brackets: list[Token] = []
        while True:
            if not brackets and (closing := closing_pattern.match(self.text, self.position)):
                self.tokens.append(Token(closes, "", self.position))
                self._close(closing)
                return
            self._read_token(brackets, start)

    def _read_token(self, brackets: list[Token], start: int) -> None:
        spaces = SPACES.match(self.text, self.position)
        position = spaces.end() if spaces else self.position
        if position >= len(self.text):
            raise SyntaxFailure("Unclosed expression: the text ends before it is closed.", start)
        found = TOKEN.match(self.text, position)
        if found is None:
            character = self.text[position]
            raise SyntaxFailure(f"Unexpected character [{character}]", position, guess_operator(self.text, position))
        self.position = found.end()
        value = found.group()
        match found.lastgroup:
            case "operator":
                self.tokens.append(Token(Kind.OPERATOR, value, position))
            case "name":
                self.tokens.append(Token(Kind.NAME, value, position))
            case "number":
                self.tokens.append(Token(Kind.NUMBER, check_number(value, position), position))
            case "string":
                self.tokens.append(Token(Kind.STRING, value[1:-1].replace("\\'", "'"), position))
            case "quote":
                self._read_quoted(position)
            case _:
                self._read_punctuation(value, position, brackets)

    def _read_punctuation(self, value: str, position: int, brackets: list[Token]) -> None:
        token = Token(Kind.PUNCTUATION, value, position)
        if value in "([{":
            brackets.append(token)
        elif value in BRACKETS:
            if not brackets or brackets[-1].value != BRACKETS[value]:
                raise SyntaxFailure(f'Unexpected "{value}"', position)
            brackets.pop()
        self.tokens.append(token)

    def _read_quoted(self, start: int) -> None:
        """A double-quoted string: parts of text with `#{…}` between them."""
        parts: list[Token] = []
        mark = len(self.tokens)
        while True:
            if part := QUOTED_PART.match(self.text, self.position):
                self.tokens.append(Token(Kind.STRING, part.group().replace('\\"', '"'), self.position))
                parts.append(self.tokens[-1])
                self.position = part.end()
            elif self.text.startswith('"', self.position):
                self.position += 1
                break
            elif self.text.startswith("#{", self.position):
                self._read_interpolation()
            else:
                raise SyntaxFailure("Unclosed string.", start)
        found = self.tokens[mark:]
        if all(token.kind is Kind.STRING for token in found):
            self.tokens[mark:] = [Token(Kind.STRING, "".join(token.value for token in found), start)]
        else:
            self.tokens.insert(mark, Token(Kind.QUOTE_OPEN, '"', start))
            self.tokens.append(Token(Kind.QUOTE_CLOSE, '"', self.position - 1))

    def _read_interpolation(self) -> None:
        start = self.position
        self.tokens.append(Token(Kind.INTERPOLATION_OPEN, "#{", start))
        self.position += 2
        brackets: list[Token] = []
        while True:
            spaces = SPACES.match(self.text, self.position)
            position = spaces.end() if spaces else self.position
            if not brackets and self.text.startswith("}", position):
                self.tokens.append(Token(Kind.INTERPOLATION_CLOSE, "}", position))
                self.position = position + 1
                return
            self._read_token(brackets, start)


def check_number(value: str, position: int) -> str:
    """The number as written, without the suffix L; whole numbers end at 64 bits."""
    value = value.removesuffix("L")
    if "." not in value and (len(value) > 30 or int(value) > MAX_INTEGER):
        raise SyntaxFailure(f'For input string: "{value[:40]}"', position, kind="evaluation")
    return value


def guess_operator(text: str, position: int) -> str | None:
    """What the writer used to other languages probably meant."""
    for foreign, ours in (("&&", "and"), ("||", "or"), ("!", "not")):
        if text.startswith(foreign, position):
            return ours
    return None


def tokenize(text: str) -> list[Token]:
    """Tokens of the text, ending with END; raises SyntaxFailure."""
    return Lexer(text).run()
