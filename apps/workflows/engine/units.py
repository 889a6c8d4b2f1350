"""Units: a WorkingDirectory is one claim of one worker, whose main children run under its token, one by one."""

from __future__ import annotations

from apps.workflows.engine.cursor import ERRORS, MAIN
from apps.workflows.engine.endings import close_attempt
from apps.workflows.engine.events import TaskRunEnded
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.opening import opening_cursor
from apps.workflows.engine.retries import try_again
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.frame import Opening
from apps.workflows.plugin_api.state import State


def unit_opened(step: Step, run: RunRow) -> None:
    """The folder stands: the first child may run."""
    if run.cursor is not None:
        return
    run.cursor = opening_cursor(step.shape(run), Opening())
    step.touch(run)
    step.push(run)


def unit_ended(step: Step, run: RunRow, event: TaskRunEnded) -> None:
    """The worker has done with the folder. A failure of its own counts like that of a child; errors run from now."""
    if event.outputs is not None:
        run.outputs = dict(event.outputs)
    if event.log_file is not None and run.attempts:
        run.attempts[-1].log_file = event.log_file
    close_attempt(run, event.state, event.ended)
    step.touch(run)
    if run.cursor is None:
        if event.state is State.FAILED and try_again(step, run, event.ended):
            return
        run.cursor = opening_cursor(step.shape(run), Opening())
    if event.state is not State.SUCCESS and run.cursor.branch == MAIN:
        run.cursor.branch = ERRORS
    run.token = None
    step.push(run)


def unit_lost(step: Step, run: RunRow) -> None:
    """The folder is gone with its worker: all children are forgotten, the whole is run again."""
    run.cursor = None
    step.empty(run)
