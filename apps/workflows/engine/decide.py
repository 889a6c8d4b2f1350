"""decide: one event applied to the rows it touches, then everything that follows from it. Pure."""

from __future__ import annotations

from datetime import datetime

from apps.workflows.engine import concurrency, pauses
from apps.workflows.engine.backlog import queue_backlog
from apps.workflows.engine.compiled_flow import CompiledFlow
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.events import (
    ChildrenEnded,
    Continue,
    Created,
    Event,
    ExecutionEvent,
    KillRequested,
    PauseRequested,
    Restarted,
    ResumeRequested,
    RunEvent,
    SlotFreed,
    StartAccepted,
    StartRefused,
    TaskRunEnded,
    UnitOpened,
    Woken,
    WorkerLost,
)
from apps.workflows.engine.frontier import Frontier
from apps.workflows.engine.kills import kill
from apps.workflows.engine.ports import Ports
from apps.workflows.engine.results import task_run_ended, unit_is_open, worker_lost
from apps.workflows.engine.settle import settle
from apps.workflows.engine.sla import check_assertions, check_deadlines
from apps.workflows.engine.step import Step
from apps.workflows.engine.subflows import children_ended, start_accepted, start_refused
from apps.workflows.engine.wakes import go_on, woken


def decide(flow: CompiledFlow, frontier: Frontier, event: Event, now: datetime, ports: Ports) -> Decision:
    """What follows from an event. The frontier's rows are changed in place and named in the decision.

    Idempotent by looking: an event for what has ended, or for another try, changes nothing.
    """
    step = Step(flow, frontier, now, ports)
    check_deadlines(step)
    if isinstance(event, RunEvent):
        _apply_to_run(step, event)
    else:
        _apply(step, event)
    check_assertions(step)
    settle(step)
    return step.close()


def _apply(step: Step, event: ExecutionEvent) -> None:
    match event:
        case Created():
            concurrency.created(step)
        case SlotFreed(force):
            concurrency.slot_freed(step, force=force)
        case Woken(kind, key):
            woken(step, kind, key)
        case Continue():
            go_on(step)
        case PauseRequested():
            pauses.hold(step)
        case ResumeRequested(run_id, inputs):
            pauses.resume(step, run_id, inputs)
        case KillRequested():
            kill(step)
        case Restarted():
            if concurrency.restarted(step):
                queue_backlog(step)


def _apply_to_run(step: Step, event: RunEvent) -> None:
    run = step.runs.get(event.run_id)
    if run is None:
        # It is gone (a new turn, a restart): the message is old.
        return
    match event:
        case TaskRunEnded():
            task_run_ended(step, run, event)
        case UnitOpened():
            unit_is_open(step, run, event.token)
        case WorkerLost():
            worker_lost(step, run, event.token)
        case ChildrenEnded():
            children_ended(step, run)
        case StartAccepted():
            start_accepted(step, run, event.token)
        case StartRefused():
            start_refused(step, run, event.token, event.message)
