"""Concurrency: an execution begins only with a place of its flow's limit; beginning sets its root frame going."""

from __future__ import annotations

from apps.workflows.engine.cursor import Cursor
from apps.workflows.engine.endings import end_execution
from apps.workflows.engine.step import WATCH_EVERY, Step
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level


def created(step: Step) -> None:
    """Begin a CREATED execution, if its date has come and a place is free."""
    execution = step.execution
    if execution.state is not State.CREATED:
        return
    if execution.schedule_date is not None and step.now < execution.schedule_date:
        step.set_timer("schedule", "", execution.schedule_date)
        step.drop_timer("watch")
        return
    if _take_slot(step):
        begin(step)
        return
    match str(step.flow.flow.concurrency.behavior):
        case "CANCEL":
            end_execution(step, State.CANCELLED)
            step.drop_timer("watch")
        case "FAIL":
            step.log(Level.ERROR, None, "Flow is FAILED due to concurrency limit exceeded")
            end_execution(step, State.FAILED)
            step.drop_timer("watch")
        case _:
            # Queued ones wait for SlotFreed; thousands of them must not be looked at twice a minute.
            step.enter(State.QUEUED)
            step.drop_timer("watch")


def slot_freed(step: Step, *, force: bool) -> None:
    """A place may be free for a QUEUED execution; ``force`` begins it (or a CREATED one) without any."""
    state = step.execution.state
    if (state is State.CREATED and force) or (state is State.QUEUED and (force or _take_slot(step))):
        begin(step)


def begin(step: Step) -> None:
    """RUNNING: the root frame is there and owed its first question."""
    execution = step.execution
    step.enter(State.RUNNING)
    root = step.flow.root
    execution.cursor = Cursor(total=root.total("main", 0))
    step.push(execution)
    step.drop_timer("schedule")
    step.set_timer("watch", "", step.now + WATCH_EVERY)


def restarted(step: Step) -> bool:
    """After a surgery the execution goes on; a flow's limit does not stop it. False when there is nothing to do."""
    if step.execution.state is not State.RESTARTED:
        return False
    if not step.execution.slot:
        _take_slot(step)
    step.enter(State.RUNNING)
    if step.execution.paused:
        step.enter(State.PAUSED)
    step.set_timer("watch", "", step.now + WATCH_EVERY)
    return True


def _take_slot(step: Step) -> bool:
    limit = step.flow.flow.concurrency
    if limit is None:
        return True
    step.execution.slot = step.ports.take_slot(limit.limit)
    return step.execution.slot
