"""Going on with an execution, without waiting for the clock: after a full slice, or after a surgery."""

from __future__ import annotations

from apps.workflows.engine.events import Continue, Event, Restarted
from apps.workflows.services.advance import advance_execution
from apps.workflows.services.handing_over import here_or_on_workers


def continue_execution(execution_id: str) -> None:
    """One more slice. It sends for the next one itself, if there is more."""
    here_or_on_workers(lambda: _step(execution_id, Continue()), "workflows.continue_execution", execution_id)


def go_on_restarted(execution_id: str) -> None:
    """The first step after a restart, a replay from a task run, or a set state."""
    here_or_on_workers(lambda: _step(execution_id, Restarted()), "workflows.go_on_restarted", execution_id)


def _step(execution_id: str, event: Event) -> None:
    advance_execution(execution_id, event)
