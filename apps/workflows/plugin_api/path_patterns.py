"""Path patterns as flows write them: ``*`` stays in one folder, ``**`` crosses them, ``{a,b}`` and ``[…]`` choose."""

from __future__ import annotations

import re
from functools import lru_cache

import regex

MATCH_SECONDS = 0.5
"""How long a pattern may look at one path: a careless ``regex:`` must not hold a worker."""

_ALONE = {"?": "[^/]", "/": "/"}


class InvalidPattern(ValueError):
    """The pattern is not closed or no regular expression; the message names it."""


def matches(pattern: str, path: str) -> bool:
    """True when a relative path, with ``/`` between its parts, is of the pattern. InvalidPattern.

    A pattern is a glob unless it begins with ``regex:``; ``glob:`` says the same as nothing.
    """
    try:
        return _compiled(pattern).fullmatch(path, timeout=MATCH_SECONDS) is not None
    except TimeoutError as error:
        raise InvalidPattern(f"The pattern `{pattern}` takes too long on `{path}`") from error


@lru_cache(maxsize=500)
def _compiled(pattern: str) -> regex.Pattern[str]:
    kind, separator, rest = pattern.partition(":")
    try:
        if separator and kind == "regex":
            return regex.compile(rest)
        return regex.compile(_translate(rest if separator and kind == "glob" else pattern))
    except regex.error as error:
        raise InvalidPattern(f"`{pattern}` is no pattern: {error}") from error


def _translate(glob: str) -> str:
    written: list[str] = []
    groups = position = 0
    while position < len(glob):
        letter = glob[position]
        position += 1
        if glob.startswith("**", position - 1):
            written.append(".*")
            position += 1
        elif letter == "*":
            written.append("[^/]*")
        elif letter == "\\" and position < len(glob):
            written.append(re.escape(glob[position]))
            position += 1
        elif letter == "[":
            choice, position = _choice(glob, position)
            written.append(choice)
        elif letter == "{":
            groups += 1
            written.append("(?:")
        elif letter == "}" and groups:
            groups -= 1
            written.append(")")
        elif letter == "," and groups:
            written.append("|")
        else:
            written.append(_ALONE.get(letter, re.escape(letter)))
    if groups:
        raise InvalidPattern(f"`{glob}` has a `{{` that is not closed")
    return "".join(written)


def _choice(glob: str, position: int) -> tuple[str, int]:
    end = glob.find("]", position + 1)
    if end < 0:
        raise InvalidPattern(f"`{glob}` has a `[` that is not closed")
    inner = glob[position:end]
    negated = inner[:1] in ("!", "^")
    letters = (inner[1:] if negated else inner).replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    return (f"[^/{letters}]" if negated else f"(?!/)[{letters}]"), end + 1
