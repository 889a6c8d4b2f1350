"""What differs between two texts, line by line, with unchanged parts folded."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

CONTEXT: Final = 3


@dataclass(frozen=True, slots=True)
class DiffLine:
    """`kind` is same, add, del or fold; a number is None on the side that has no such line."""

    kind: str
    left: int | None
    right: int | None
    text: str


def diff_lines(before: str, after: str) -> list[DiffLine]:
    """Empty when the texts are the same."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[DiffLine] = []
    shown = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        hidden = group[0][1] - shown
        shown = group[-1][2]
        if hidden > 0:
            lines.append(DiffLine("fold", None, None, f"{hidden} unchanged line{'' if hidden == 1 else 's'}"))
        for kind, i1, i2, j1, j2 in group:
            if kind == "equal":
                lines += [DiffLine("same", i + 1, j1 + i - i1 + 1, old[i]) for i in range(i1, i2)]
                continue
            lines += [DiffLine("del", i + 1, None, old[i]) for i in range(i1, i2)]
            lines += [DiffLine("add", None, j + 1, new[j]) for j in range(j1, j2)]
    return lines
