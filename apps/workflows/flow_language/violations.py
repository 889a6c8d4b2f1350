"""What is wrong with a flow: a sentence, where it is, and a guess at what was meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]


def format_path(path: Path) -> str:
    """``("tasks", 0, "message")`` as ``tasks[0].message``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. Line and column count from 1; 0 means that no place is known."""

    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    suggestion: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidFlow(ValueError):
    """The flow cannot be accepted; ``violations`` says all that is wrong, ``message`` says it in one text."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        self.message = "\n".join(str(violation) for violation in self.violations)
        super().__init__(self.message)

    def __reduce__(self) -> tuple[object, ...]:
        return (InvalidFlow, (self.violations,))
