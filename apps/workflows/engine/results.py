"""Results: what workers report about the runs they hold, and what is done when they report nothing any more."""

from __future__ import annotations

from apps.workflows.engine.cursor import DYNAMIC
from apps.workflows.engine.endings import close_attempt
from apps.workflows.engine.events import TaskRunEnded
from apps.workflows.engine.frontier import Attempt, Change, RunRow
from apps.workflows.engine.leaves import end_leaf
from apps.workflows.engine.step import Step
from apps.workflows.engine.units import unit_ended, unit_lost, unit_opened
from apps.workflows.plugin_api.state import State


def task_run_ended(step: Step, run: RunRow, event: TaskRunEnded) -> None:
    """A worker's result. Of another claim, or for a run that is not RUNNING: nothing."""
    if not _holds(run, event.token):
        return
    if not _counts(step, run):
        _take_late(step, run, event)
    elif step.shape_is_unit(run):
        unit_ended(step, run, event)
    else:
        if event.outputs is not None:
            run.outputs = dict(event.outputs)
        _keep_log_file(run, event)
        _show_inner_runs(step, run, event)
        end_leaf(step, run, event.state, event.ended)


def unit_is_open(step: Step, run: RunRow, token: str) -> None:
    """A worker holds a WorkingDirectory and waits for its first child."""
    if _holds(run, token) and step.shape_is_unit(run) and _counts(step, run):
        unit_opened(step, run)


def worker_lost(step: Step, run: RunRow, token: str) -> None:
    """The worker that held the claim is gone: the run is given back; its try is shown and does not count."""
    if not _holds(run, token):
        return
    if _counts(step, run) and step.in_held_unit(run) and not step.shape_is_unit(run):
        # The children of a unit are lost with the unit itself.
        return
    close_attempt(run, State.KILLED, step.now)
    run.token = None
    step.touch(run)
    if not _counts(step, run):
        run.enter(State.KILLED, step.now)
        return
    if step.shape_is_unit(run):
        unit_lost(step, run)
    run.enter(State.CREATED, step.now)
    step.push(run)


def _holds(run: RunRow, token: str) -> bool:
    return run.state is State.RUNNING and run.token == token


def _counts(step: Step, run: RunRow) -> bool:
    """Whether results still count: not in an execution that is killed or has ended, its listeners apart."""
    if step.execution.state.ended:
        return step.in_listeners(run)
    return step.execution.state is not State.KILLING


def _take_late(step: Step, run: RunRow, event: TaskRunEnded) -> None:
    if event.outputs is not None:
        run.outputs = dict(event.outputs)
    _keep_log_file(run, event)
    close_attempt(run, event.state, event.ended)
    run.enter(event.state, event.ended)
    run.token = None
    step.touch(run)


def _show_inner_runs(step: Step, run: RunRow, event: TaskRunEnded) -> None:
    if event.inner and len(run.attempts) > 1:
        step.empty(run)
    for idx, inner in enumerate(event.inner):
        histories = [Change(State.CREATED, inner.started), Change(State.RUNNING, inner.started)]
        step.insert(
            RunRow(
                id=step.ports.new_id(),
                task_id=inner.task_id,
                state=inner.state,
                histories=[*histories, Change(inner.state, inner.ended)],
                parent_id=run.id,
                ancestors=(*run.ancestors, run.id),
                branch=DYNAMIC,
                idx=idx,
                loop_key=run.loop_key,
                attempts=[Attempt([*histories, Change(inner.state, inner.ended)])],
                outputs=None if inner.outputs is None else dict(inner.outputs),
            )
        )


def _keep_log_file(run: RunRow, event: TaskRunEnded) -> None:
    if event.log_file is not None and run.attempts:
        run.attempts[-1].log_file = event.log_file
