"""Backlog: what was put off is taken up again, and workers and subflows whose message may be lost are told again."""

from __future__ import annotations

from datetime import datetime

from apps.workflows.engine.leaves import tell_workers
from apps.workflows.engine.step import LIVE, Step
from apps.workflows.engine.subflows import look_again
from apps.workflows.plugin_api.task import ExecutableTask


def queue_backlog(step: Step) -> None:
    """Queue the root, if it is owed a question, and a slice of the pending runs."""
    execution = step.execution
    if execution.pending:
        step.was_pending.add(execution.id)
        step.push(execution)
    found = 0
    for run in step.adopt(step.ports.look.pending(step.ports.slice)):
        if not run.pending:
            continue
        found += 1
        if execution.state.ended and not step.in_listeners(run):
            # What ended before a kill and was not folded never will be.
            run.pending = False
            step.touch(run)
            continue
        step.was_pending.add(run.id)
        step.push(run)
    if found >= step.ports.slice:
        step.more = True


def tell_waiting(step: Step, before: datetime) -> bool:
    """Tell again whoever was told last before a moment, oldest first; True when there may be more than a slice."""
    if step.execution.hold or not (step.execution.state in LIVE or step.execution.state.ended):
        return False
    told = 0
    for run in step.adopt(step.ports.look.waiting_long(before, step.ports.slice)):
        if run.pending or run.nudged_at is None or run.nudged_at >= before:
            continue
        if step.execution.state.ended and not step.in_listeners(run):
            continue
        task = step.task_of(run)
        if run.state.waiting:
            tell_workers(step, run, task)
        elif isinstance(task.task, ExecutableTask):
            look_again(step, run, task.task)
        else:
            continue
        told += 1
    return told >= step.ports.slice
