"""What a plugin raises, and what the host raises at it."""

from __future__ import annotations

from typing import Any


class TaskFailed(Exception):
    """The task cannot succeed; the message goes to its log as ERROR and the attempt ends FAILED.

    ``outputs`` are kept all the same: a script that fails half-way still shows what it produced.
    """

    def __init__(self, message: str, *, outputs: dict[str, Any] | None = None, logged: bool = False) -> None:
        super().__init__(message)
        self.outputs = outputs
        self.logged = logged


class TaskKilled(Exception):
    """The execution was killed while the task ran; the attempt ends KILLED."""


class TaskTimedOut(Exception):
    """The attempt ran longer than the task's ``timeout``; it ends FAILED."""


class FlowableFailed(Exception):
    """A flowable task cannot open (its control expression gives nothing to run); its run ends FAILED."""


class UnknownType(LookupError):
    """No plugin is registered for a ``type:``; ``nearest`` names the closest one known, or is None."""

    def __init__(self, type_name: str, nearest: str | None) -> None:
        super().__init__(f"Invalid type: {type_name}")
        self.type_name = type_name
        self.nearest = nearest


class MissingLibrary(ImportError):
    """The plugin is known, but an optional library it needs is not installed; the message names the extra."""
