"""One task run of an execution: its attempts, its states, what it started, and what can be done from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from apps.common.access import access
from apps.common.errors import NotFound
from apps.common.ids import is_id
from apps.common.pages import IN_VIEW
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.task_tree import find_run, read_attempts
from apps.workflows.views.execution_dialog import ask
from apps.workflows.views.execution_relatives import find_children
from apps.workflows.views.lookups import readable_execution


@dataclass(frozen=True)
class AttemptLine:
    """One attempt: its number, how it stands, when it began, how long it took (None while it goes on)."""

    number: int
    state: str
    began: datetime
    took: timedelta | None


@access("EXECUTION", "READ", namespace=IN_VIEW)
def show_task(request: HttpRequest, namespace: str, flow_id: str, execution_id: str) -> HttpResponse:
    """The task run `run`, as a dialog or a page of its own."""
    row = readable_execution(request, namespace, flow_id, execution_id)
    run_id = request.GET.get("run", "")
    run = find_run(execution_id, run_id) if is_id(run_id) else None
    if run is None:
        raise NotFound(f"There is no task run {run_id[:40]} in this execution.")
    attempts = [
        AttemptLine(number, *_standing(changes))
        for number, changes in enumerate(read_attempts(execution_id, run_id), 1)
        if changes
    ]
    still = State(row.state).ended or row.state == State.PAUSED
    context = {
        "run": run,
        "attempts": attempts,
        "started": find_children(request, row, [run]).get(run.id, []),
        "still": still,
        "history": _history(run.changes),
    }
    return ask(request, row, "task", context)


def _standing(changes: list[tuple[str, datetime]]) -> tuple[str, datetime, timedelta | None]:
    state, last = changes[-1]
    began = changes[0][1]
    return state, began, last - began if State(state).ended else None


def _history(changes: list[tuple[str, datetime]]) -> list[tuple[str, datetime, timedelta | None]]:
    following: list[datetime | None] = [*(moment for _, moment in changes[1:]), None]
    return [
        (state, moment, None if after is None else after - moment)
        for (state, moment), after in zip(changes, following, strict=True)
    ]
