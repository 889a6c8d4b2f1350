"""Going on with an execution, without waiting for the clock: after a full slice, or after a surgery."""

from __future__ import annotations

from apps.workflows.engine.events import Continue, Restarted
from apps.workflows.services.advance import advance_execution


def continue_execution(execution_id: str) -> None:
    """One more slice. It sends for the next one itself, if there is more."""
    advance_execution(execution_id, Continue())


def go_on_restarted(execution_id: str) -> None:
    """The first step after a restart, a replay from a task run, or a set state."""
    advance_execution(execution_id, Restarted())
