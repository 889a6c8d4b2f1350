"""Leaves: a task's own end, and what sending it means for each role but frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.workflows.engine.commands import RunTask
from apps.workflows.engine.compiled_flow import CompiledTask
from apps.workflows.engine.end_state import leaf_end_state
from apps.workflows.engine.endings import close_attempt, end_unsent, open_attempt, put_end
from apps.workflows.engine.frontier import RunRow
from apps.workflows.engine.kills import stop
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.retries import try_again
from apps.workflows.engine.step import LIVE, WATCH_EVERY, Step
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import LabelTask, Level, TimedTask, WorkerGroup, WorkerGroupFallback


def end_leaf(step: Step, run: RunRow, state: State, ended: datetime) -> None:
    """A try ended as ``state``: another one is planned, or the run has ended."""
    close_attempt(run, state, ended)
    if state is State.FAILED and try_again(step, run, ended):
        return
    task = step.task_of(run)
    put_end(step, run, leaf_end_state(task.task, task.retry, run, state), ended)


def send_runnable(step: Step, run: RunRow, task: CompiledTask) -> None:
    """Claim it for the process that makes this step, or tell the workers."""
    step.touch(run)
    token = None
    if step.decision.claimed is None and not step.execution.hold:
        token = step.ports.claim(run, task.index)
    if token is None:
        tell_workers(step, run, task)
    else:
        take(step, run, token)


def tell_workers(step: Step, run: RunRow, task: CompiledTask) -> None:
    """It waits for a worker from now; unless its group has none and the task says not to wait for one."""
    group = task.group
    computed = group is not None and "{" in group.key
    if group is not None and computed:
        try:
            group = group.model_copy(update={"key": str(step.ports.render(group.key, run))})
        except RenderFailed as error:
            end_unsent(step, run, f"Unable to evaluate the key of `workerGroup`. Cause: {error}")
            return
    if (
        group is not None
        and group.fallback is not WorkerGroupFallback.WAIT
        and not step.ports.look.group_is_served(group.key)
    ):
        _fall_back(step, run, group)
        return
    run.nudged_at = step.now
    step.touch(run)
    step.command(RunTask(run.id, group, computed))


def _fall_back(step: Step, run: RunRow, group: WorkerGroup) -> None:
    message = f"No worker of the group `{group.key}` is running and the task's fallback is {group.fallback}"
    if group.fallback is WorkerGroupFallback.FAIL:
        end_unsent(step, run, message)
        return
    step.log(Level.ERROR, run, message)
    stop(step, run, State.KILLED)
    if step.execution.state in LIVE:
        step.enter(State.KILLING)
    # What this step itself has made is not in any index yet: the next step sweeps it with the rest.
    step.more = True
    step.set_timer("watch", "", step.now + WATCH_EVERY)


def take(step: Step, run: RunRow, token: str) -> None:
    """It runs from now, in the process that makes this step."""
    run.enter(State.RUNNING, step.now)
    run.token = token
    run.nudged_at = None
    open_attempt(run, step.now)
    step.touch(run)
    step.decision.claimed = run


def send_timed(step: Step, run: RunRow, task: TimedTask) -> None:
    """A sleep: a timer, no worker. A shorter ``timeout`` wins and fails it."""
    _begin(step, run)
    try:
        wait = step.duration(task.wait_for(), run)
        due = step.now + wait
        limit = None
        if task.timeout is not None:
            limit = step.now + step.duration(task.timeout, run)
    except RenderFailed as error:
        step.log(Level.ERROR, run, str(error))
        end_leaf(step, run, State.FAILED, step.now)
        return
    kind = "sleep"
    if limit is not None and limit < due:
        kind, due = "timeout", limit
    step.log(Level.INFO, run, f"Waiting for {format_duration(wait)}")
    run.nudged_at = due
    step.set_timer(kind, run.id, due)


def sleep_due(step: Step, run: RunRow, *, timed_out: bool) -> None:
    """The time of a sleep has come."""
    if run.state is not State.RUNNING:
        return
    if timed_out:
        step.log(Level.ERROR, run, f"Timeout: task `{run.task_id}` slept longer than its `timeout` allows")
    end_leaf(step, run, State.FAILED if timed_out else State.SUCCESS, step.now)


def send_labels(step: Step, run: RunRow, task: LabelTask) -> None:
    """Labels are set on the spot."""
    _begin(step, run)
    try:
        found = task.labels_from(step.ports.render(task.template(), run))
    except (RenderFailed, TaskFailed) as error:
        step.log(Level.ERROR, run, str(error))
        end_leaf(step, run, State.FAILED, step.now)
        return
    add_labels(step, found)
    end_leaf(step, run, State.SUCCESS, step.now)


def add_labels(step: Step, found: Mapping[str, Any]) -> bool:
    """Set labels of the execution, replacing same keys; False when it had them all."""
    held = list(step.execution.labels)
    labels = [(key, found.get(key, value)) for key, value in held]
    labels += [(key, value) for key, value in found.items() if key not in {old for old, _ in held}]
    if labels == held:
        return False
    step.execution.labels = labels
    step.touch(step.execution)
    return True


def _begin(step: Step, run: RunRow) -> None:
    run.enter(State.RUNNING, step.now)
    open_attempt(run, step.now)
    step.touch(run)
