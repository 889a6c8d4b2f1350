"""Dialect: what a database takes for a text, a name and a comment, and how it writes a parameter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

STANDARD_STRING = r"'(?:[^']|'')*'?"
BACKSLASH_STRING = r"'(?:[^'\\]|''|\\.)*'?"
QUOTED_NAME = r'"(?:[^"]|"")*"?'
BACKSLASH_QUOTED = r'"(?:[^"\\]|""|\\.)*"?'
BACKTICKS = r"`(?:[^`]|``)*`?"
BRACKETS = r"\[[^\]]*\]?"
LINE_COMMENT = r"--[^\n]*"
# MySQL wants a blank after the dashes: 5--1 is a sum there.
SPACED_LINE_COMMENT = r"--(?=[\s\x00-\x1f]|\Z)[^\n]*"
HASH_COMMENT = r"#[^\n]*"
BLOCK_COMMENT = r"/\*(?:[^*]|\*(?!/))*(?:\*/)?"
# An identifier may hold dollars, so that one in its middle begins no text.
DOLLAR_STRING = r"(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$"
ESCAPE_STRING = r"(?<![\w$])[eE]" + BACKSLASH_STRING
WORD = r"[^\W\d][\w$]*"
NUMBER = r"\d[\w.]*"


@dataclass(frozen=True)
class Dialect:
    """One kind of SQL. ``opaque`` are the patterns in which nothing but their end counts, the first that fits wins.

    A text that never ends reaches to the end of the SQL: the database will say so.
    """

    opaque: tuple[str, ...]
    placeholder: Callable[[int], str]
    """How parameter number n (from 1) is written."""
    nested_comments: bool = False
    bodies: bool = False
    """Whether routines and triggers have a body of statements: BEGIN … END, IF … END IF and the like."""
    atomic_bodies: bool = False
    """Whether the body of a routine may be BEGIN ATOMIC … END."""
    parentheses: bool = False
    """Whether a semicolon between parentheses ends no statement."""
    percent_doubled: bool = False
    """Whether the driver takes a percent sign for its own when there are parameters."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds the next thing that counts: opaque, nested, dollar, name, number, parameter or a sign."""
        parts = [f"(?P<nested>/\\*)|(?P<dollar>{DOLLAR_STRING})"] if self.nested_comments else []
        parts += [
            "(?P<opaque>" + "|".join(self.opaque) + ")",
            f"(?P<word>{WORD})",
            f"(?P<number>{NUMBER})",
            "(?P<cast>::+|:=)",
            f"(?P<parameter>:(?P<name>{WORD}))",
            r"(?P<sign>[^\s])",
        ]
        return re.compile("|".join(parts), re.DOTALL)


POSTGRESQL = Dialect(
    opaque=(ESCAPE_STRING, STANDARD_STRING, QUOTED_NAME, LINE_COMMENT),
    placeholder="${}".format,
    nested_comments=True,
    atomic_bodies=True,
    parentheses=True,
)
DUCKDB = Dialect(
    opaque=(ESCAPE_STRING, STANDARD_STRING, QUOTED_NAME, LINE_COMMENT),
    placeholder=lambda _: "?",
    nested_comments=True,
)
MYSQL = Dialect(
    opaque=(BACKSLASH_STRING, BACKSLASH_QUOTED, BACKTICKS, SPACED_LINE_COMMENT, HASH_COMMENT, BLOCK_COMMENT),
    placeholder=lambda _: "%s",
    bodies=True,
    percent_doubled=True,
)
SQLITE = Dialect(
    opaque=(STANDARD_STRING, QUOTED_NAME, BACKTICKS, BRACKETS, LINE_COMMENT, BLOCK_COMMENT),
    placeholder=lambda _: "?",
    bodies=True,
)
