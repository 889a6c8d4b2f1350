"""Retries: whether a failed try has another one, when, and whether in this execution or a new one."""

from __future__ import annotations

from datetime import datetime

from apps.common.ids import derived_id
from apps.workflows.engine.commands import RetryExecution
from apps.workflows.engine.compiled_flow import AnyRetry
from apps.workflows.engine.end_state import tries
from apps.workflows.engine.endings import end_execution
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.kills import sweep
from apps.workflows.engine.step import WATCH_EVERY, Step
from apps.workflows.plugin_api.retry import RetryBehavior
from apps.workflows.plugin_api.state import State


def try_again(step: Step, run: RunRow, ended: datetime) -> bool:
    """Plan another try of a run whose last one failed at ``ended``; False when none is left.

    With CREATE_NEW_EXECUTION the run, its frames and the execution end RETRIED, and the rest is swept.
    """
    retry = step.task_of(run).retry
    if retry is None:
        return False
    if retry.behavior is RetryBehavior.CREATE_NEW_EXECUTION:
        return not step.in_listeners(run) and _try_in_new_execution(step, retry, run, ended)
    due = _next_try(retry, tries(run), run.attempts[0].histories[0].date, ended, step.ports.new_id.fraction())
    if due is None:
        return False
    run.token = None
    run.nudged_at = due
    run.enter(State.RETRYING, ended)
    step.touch(run)
    if not step.in_held_unit(run):
        # Inside a unit the worker that holds it waits; a timer would answer to nobody.
        step.set_timer("retry", run.id, due)
    if step.execution.state is State.RUNNING:
        step.enter(State.RETRYING)
    return True


def retry_due(step: Step, run: RunRow) -> None:
    """The time of the next try has come."""
    if run.state is not State.RETRYING:
        return
    run.nudged_at = None
    run.enter(State.CREATED, step.now)
    step.touch(run)
    if step.execution.state is State.RETRYING:
        step.enter(State.RUNNING)
    step.push(run)


def new_execution_due(step: Step) -> None:
    """Start the execution that follows a RETRIED one; given again until who creates it drops the timer."""
    if step.execution.state is not State.RETRIED:
        step.drop_timer("new_execution")
        return
    step.command(RetryExecution(derived_id("retry", step.execution.id)))
    step.set_timer("new_execution", "", step.now + WATCH_EVERY)


def _try_in_new_execution(step: Step, retry: AnyRetry, run: RunRow, ended: datetime) -> bool:
    execution = step.execution
    first = execution.original_created or execution.histories[0].date
    due = _next_try(retry, execution.attempt_number, first, ended, step.ports.new_id.fraction())
    if due is None:
        return False
    run.token = None
    for row in (run, *(step.runs[above] for above in run.ancestors)):
        row.enter(State.RETRIED, ended)
        row.pending = False
        step.touch(row)
    end_execution(step, State.RETRIED)
    step.set_timer("new_execution", "", due)
    sweep(step)
    return True


def _next_try(retry: AnyRetry, made: int, first: datetime, ended: datetime, fraction: float) -> datetime | None:
    if retry.max_attempt is not None and made >= retry.max_attempt:
        return None
    due = ended + retry.delay(made, fraction)
    if retry.max_duration is not None and due >= first + retry.max_duration:
        return None
    return due
