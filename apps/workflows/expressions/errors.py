"""What can go wrong in a text with expressions, told with line, column and a guess at the mistake."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Literal

Kind = Literal["syntax", "undefined", "evaluation"]

# Suggestions look at this many known names at most: a context may hold thousands of outputs.
NAMES_COMPARED = 300


class ExpressionError(Exception):
    """An expression could not be read or evaluated.

    `message` is the text users know; `suggestion` is the nearest known name, when one is near. `expression` is the
    whole template. Line and column count from 1; 0 means unknown.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        line: int = 0,
        column: int = 0,
        expression: str = "",
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.line = line
        self.column = column
        self.expression = expression
        self.suggestion = suggestion

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders: the default would call __init__ with the message as kind.
        args = (self.kind, self.message, self.line, self.column, self.expression, self.suggestion)
        return (ExpressionError, args)


class SyntaxFailure(Exception):
    """The text at `position` does not follow the grammar."""

    def __init__(self, message: str, position: int, suggestion: str | None = None, kind: Kind = "syntax") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.suggestion = suggestion
        self.kind: Kind = kind


class Missing(Exception):
    """A variable or attribute is not there; `??`, `default` and `is defined` recover from it."""

    def __init__(self, name: str, position: int, known: Iterable[object] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.position = position
        self.known = known


class Failure(Exception):
    """An operation refused its operands; nothing recovers from it within the text."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion
        self.position: int | None = None

    def at(self, position: int) -> "Failure":
        """Remember where it happened, unless an inner operation already did."""
        if self.position is None:
            self.position = position
        return self


def nearest(name: str, known: Iterable[object]) -> str | None:
    """The known name most like `name`, or None when none is near."""
    try:
        names = [candidate for candidate in islice(known, NAMES_COMPARED) if isinstance(candidate, str)]
    except Exception:
        # A lazy mapping may fail to list its keys; a guess is not worth another error.
        return None
    found = get_close_matches(name, names, n=1, cutoff=0.7)
    return found[0] if found else None


def line_and_column(text: str, position: int) -> tuple[int, int]:
    """Both count from 1."""
    before = text[: max(position, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
