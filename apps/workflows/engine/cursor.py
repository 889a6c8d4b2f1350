"""Where a frame stands: about a dozen small numbers, a cache of a GROUP BY over its children (engine-frames §2)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

MAIN, ERRORS, FINALLY, LISTENERS, DYNAMIC = "m", "e", "f", "l", "d"
"""Branches, as a task run's ``branch`` column and a cursor's ``branch`` field hold them."""


@dataclass(slots=True)
class Cursor:
    """One frame's cursor. Fields at their default are left out of the stored JSON."""

    branch: str = MAIN
    list: str = "main"
    total: int = 0
    next: int = 0
    open: int = 0
    eopen: int = 0
    ok: int = 0
    warn: int = 0
    fail: int = 0
    kill: int = 0
    enext: int = 0
    done: int = 0
    ready: int = 0
    it: int = 0
    wait: int = 0
    adopt: int = -1

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their default. Bit masks go as text: JSON numbers end at 2^53."""
        held: dict[str, Any] = {}
        for name, default in _DEFAULTS:
            value = getattr(self, name)
            if value != default:
                held[name] = str(value) if name in _MASKS else value
        return held

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Cursor:
        """The inverse of ``to_json``."""
        cursor = cls()
        for name, value in held.items():
            setattr(cursor, name, int(value) if name in _MASKS else value)
        return cursor


_MASKS = frozenset({"done", "ready"})
_DEFAULTS = tuple((item.name, item.default) for item in fields(Cursor))
