"""Kills: order the workers to stop, end everything else slice by slice, then the execution."""

from __future__ import annotations

from apps.workflows.engine.claims import held
from apps.workflows.engine.commands import KillChildren, KillTask
from apps.workflows.engine.endings import after_end, close_attempt, end_execution
from apps.workflows.engine.frontier import Attempt, Change, RunRow
from apps.workflows.engine.step import WATCH_EVERY, Step
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import ExecutableTask


def kill(step: Step) -> None:
    """A person ends the execution. Tasks at work are told; the end does not wait for them."""
    if step.execution.state.ended or step.execution.state is State.KILLING:
        return
    step.execution.paused = 0
    step.execution.hold = False
    step.enter(State.KILLING)
    order_kills(step)
    sweep(step)


def sweep(step: Step) -> bool:
    """End a slice of what is open and nobody holds, in an execution that is KILLING or has ended.

    False when more is left (a Continue goes out, and the watch timer stands behind it). After the last one a KILLING
    execution is KILLED. Subflows are killed along by a kill, not by other ends.
    """
    execution = step.execution
    cascade = execution.state is State.KILLING
    swept = 0
    for run in step.adopt(step.ports.look.open_runs(step.ports.slice)):
        if run.state.ended or held(run) or step.in_listeners(run):
            continue
        swept += 1
        if cascade and isinstance(step.task_of(run).task, ExecutableTask) and run.state is State.RUNNING:
            step.command(KillChildren(run.id))
        stop(step, run, State.KILLED)
    if swept >= step.ports.slice:
        step.more = True
        step.set_timer("watch", "", step.now + WATCH_EVERY)
        return False
    if cascade:
        end_execution(step, State.KILLED)
    unsure = order_kills(step) | (cascade and _children_left(step))
    if not after_end(step) and unsure:
        step.set_timer("watch", "", step.now + WATCH_EVERY)
    return True


def _children_left(step: Step) -> bool:
    # The rows show only those of earlier slices: what this step kills is not written yet.
    ordered = any(isinstance(command, KillChildren) for command in step.decision.commands)
    return ordered or bool(step.ports.look.unkilled_children(1))


def order_kills(step: Step) -> bool:
    """Hurry the workers that still hold runs to look at their rows; False when there are none."""
    claims = step.ports.look.held_runs(step.ports.slice)
    ordered = set(step.decision.commands)
    for run_id, token in claims:
        order = KillTask(run_id, token)
        if order not in ordered:
            step.command(order)
    return bool(claims)


def stop(step: Step, run: RunRow, state: State) -> None:
    """End an open run from outside; its frame is not told."""
    close_attempt(run, state, step.now)
    if isinstance(step.task_of(run).task, ExecutableTask) and run.state is State.RUNNING:
        run.attempts.append(Attempt([Change(State.CREATED, run.histories[-1].date), Change(state, step.now)]))
    run.enter(state, step.now)
    run.token = None
    run.nudged_at = None
    run.pending = False
    step.touch(run)
