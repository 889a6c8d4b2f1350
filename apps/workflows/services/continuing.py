"""Going on with an execution after a step that filled its slice, without waiting for the clock."""

from __future__ import annotations

from apps.workflows.engine.events import Continue
from apps.workflows.services.advance import advance_execution


def continue_execution(execution_id: str) -> None:
    """One more slice. It sends for the next one itself, if there is more."""
    advance_execution(execution_id, Continue())
