"""Wakes: what is done when a timer is due. A timer stays until it is dropped or moved here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from apps.workflows.engine.backlog import queue_backlog, tell_waiting
from apps.workflows.engine.commands import KillChildren
from apps.workflows.engine.concurrency import created, restarted
from apps.workflows.engine.cursor import LISTENERS
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.kills import order_kills, sweep
from apps.workflows.engine.leaves import sleep_due
from apps.workflows.engine.pauses import pause_due, pause_timed_out
from apps.workflows.engine.retries import new_execution_due, retry_due
from apps.workflows.engine.sla import deadline_due
from apps.workflows.engine.step import LIVE, WATCH_EVERY, Step
from apps.workflows.engine.turns import turn_due
from apps.workflows.plugin_api.state import State


def woken(step: Step, kind: str, key: str) -> None:
    """A timer of the execution, or of the run named by ``key``, is due. ValueError for a kind nobody sets."""
    match kind:
        case "watch":
            watch(step)
        case "continue":
            go_on(step)
        case "schedule":
            step.drop_timer("schedule")
            created(step)
        case "sla":
            deadline_due(step, key)
        case "new_execution":
            new_execution_due(step)
        case _ if kind in _OF_RUNS:
            _wake_run(step, kind, key)
        case _:
            raise ValueError(f"Execution {step.execution.id} was woken by a timer of unknown kind {kind!r} ({key!r})")


def go_on(step: Step) -> None:
    """An earlier step had more to do than one slice, or a worker left its result beside a busy execution."""
    step.drop_timer("continue")
    if step.execution.state is State.KILLING:
        sweep(step)
    elif step.execution.state.ended:
        _go_on_after_end(step)
    else:
        queue_backlog(step)


def watch(step: Step) -> None:
    """Give again whatever may have been lost."""
    execution = step.execution
    if execution.state is State.CREATED:
        step.set_timer("watch", "", step.now + WATCH_EVERY)
        created(step)
    elif execution.state is State.QUEUED:
        step.drop_timer("watch")
    elif execution.state is State.KILLING:
        step.set_timer("watch", "", step.now + WATCH_EVERY)
        order_kills(step)
        sweep(step)
    elif execution.state.ended:
        _watch_ended(step)
    else:
        restarted(step)
        queue_backlog(step)
        more = tell_waiting(step, step.now - WATCH_EVERY)
        step.set_timer("watch", "", step.now if more else step.now + (IDLE if _is_idle(step) else WATCH_EVERY))


def _is_idle(step: Step) -> bool:
    """Whether only a timer or a person can move the execution: there is no message to lose until one of them does."""
    look, execution = step.ports.look, step.execution
    if step.queue and execution.paused == 0 and not execution.hold:
        return False
    # In this order: a run that is claimed between the two looks waits in the first or is held in the second.
    waits = not execution.hold and bool(look.waiting_long(step.now + WATCH_EVERY, 1))
    return not waits and not look.held_runs(1)


def _watch_ended(step: Step) -> None:
    _go_on_after_end(step)
    orphans = step.ports.look.unkilled_children(step.ports.slice) if step.execution.state is State.KILLED else ()
    for run_id in orphans:
        step.command(KillChildren(run_id))
    listening = tell_waiting(step, step.now - WATCH_EVERY) or _listeners_open(step)
    if order_kills(step) or orphans or listening or step.more:
        step.set_timer("watch", "", step.now + WATCH_EVERY)
    else:
        step.drop_timer("watch")


def _go_on_after_end(step: Step) -> None:
    if sweep(step):
        queue_backlog(step)


def _listeners_open(step: Step) -> bool:
    cursor = step.execution.cursor
    return cursor is not None and cursor.branch == LISTENERS and (cursor.eopen > 0 or step.execution.pending)


def _wake_run(step: Step, kind: str, run_id: str) -> None:
    run = step.runs.get(run_id)
    if run is not None and run.nudged_at is not None and step.now < run.nudged_at and run.state in _ASLEEP:
        # Told too early: by an old message, or by a clock that goes before ours.
        step.set_timer(kind, run_id, run.nudged_at)
        return
    step.drop_timer(kind, run_id)
    if run is not None and (step.execution.state in LIVE or step.in_listeners(run)):
        # What this sets going may be lost again, and the watch may sleep long.
        step.set_timer("watch", "", step.now + WATCH_EVERY)
        _OF_RUNS[kind](step, run)


IDLE: Final = timedelta(hours=1)
"""How long the watch sleeps over an execution that only sleeps itself: a hundred thousand of these cost little."""
_ASLEEP = frozenset({State.RUNNING, State.PAUSED, State.RETRYING})

_OF_RUNS: dict[str, Callable[[Step, RunRow], None]] = {
    "retry": retry_due,
    "sleep": lambda step, run: sleep_due(step, run, timed_out=False),
    "timeout": lambda step, run: sleep_due(step, run, timed_out=True),
    "delay": pause_due,
    "pause_timeout": pause_timed_out,
    "loop": turn_due,
}
