"""Tokens: a worker's claim on a task run, told apart from what the engine itself waits for."""

from __future__ import annotations

from typing import Final

from apps.workflows.engine.frontier import RunRow
from apps.workflows.plugin_api.state import State

WAITS: Final = "~"
"""First character of a token that is no worker's: the task run waits for executions it started."""


def held(run: RunRow) -> bool:
    """Whether a worker holds it. In SQL: RUNNING, a token, and ``token NOT LIKE '~%'``."""
    return run.state is State.RUNNING and run.token is not None and not run.token.startswith(WAITS)


def waiting_token(name: str) -> str:
    """The token of a run that waits: for the execution ``name``, or as the try ``name``."""
    return WAITS + name


def waited_for(token: str | None) -> str:
    """The inverse of ``waiting_token``; '' when nothing is waited for."""
    return token[1:] if token is not None and token.startswith(WAITS) else ""
