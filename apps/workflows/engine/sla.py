"""SLAs: deadlines and assertions that end an execution, or only mark it with labels."""

from __future__ import annotations

import logging
from datetime import datetime
from itertools import pairwise
from typing import Any

from apps.workflows.engine.claims import held
from apps.workflows.engine.commands import KillTask
from apps.workflows.engine.compiled_flow import CompiledFlow
from apps.workflows.engine.endings import end_execution
from apps.workflows.engine.frontier import ExecutionRow
from apps.workflows.engine.kills import stop, sweep
from apps.workflows.engine.leaves import add_labels
from apps.workflows.engine.ports import RenderFailed
from apps.workflows.engine.step import Step
from apps.workflows.plugin_api.duration import format_duration
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level

logger = logging.getLogger(__name__)

_ENDS = {"FAIL": State.FAILED, "CANCEL": State.CANCELLED}


def deadlines(flow: CompiledFlow, execution: ExecutionRow) -> list[tuple[str, datetime]]:
    """Key and date of each MAX_DURATION's timer: written with a new execution, and again with a restart."""
    counted_from = _counted_from(execution)
    return [
        (str(number), counted_from + sla.duration)
        for number, sla in enumerate(flow.flow.sla)
        if sla.type == "MAX_DURATION"
    ]


def check_deadlines(step: Step) -> None:
    """Compare the clock with each MAX_DURATION, before anything else happens: a late timer lets nothing start."""
    for sla in step.flow.flow.sla:
        if sla.type != "MAX_DURATION" or _is_ending(step):
            continue
        lasted = step.now - _counted_from(step.execution)
        if lasted >= sla.duration:
            reason = (
                f"execution duration of {format_duration(lasted)} exceed the maximum duration of "
                f"{format_duration(sla.duration)}."
            )
            if _act(step, sla, reason):
                return


def check_assertions(step: Step) -> None:
    """Render the EXECUTION_ASSERTIONs once the event is applied, before anything starts; the first broken one acts."""
    for sla in step.flow.flow.sla:
        if sla.type != "EXECUTION_ASSERTION" or _is_ending(step) or step.execution.cursor is None:
            continue
        try:
            holds = step.ports.render.condition(sla.condition, None)
        except RenderFailed as error:
            # As in Kestra a matter of the server's log: it names outputs that need not exist yet.
            logger.info("SLA %s of execution %s cannot be checked: %s", sla.id, step.execution.id, error)
            continue
        if not holds and _act(step, sla, f"assertion is false: {sla.condition}."):
            return


def deadline_due(step: Step, key: str) -> None:
    """The timer of a MAX_DURATION fired; the deadline itself was compared at the beginning of the step."""
    sla = step.flow.flow.sla[int(key)] if key.isdigit() and int(key) < len(step.flow.flow.sla) else None
    if sla is not None and sla.type == "MAX_DURATION" and not step.execution.state.ended:
        due = _counted_from(step.execution) + sla.duration
        if step.now < due:
            step.set_timer("sla", key, due)
            return
    step.drop_timer("sla", key)


def _is_ending(step: Step) -> bool:
    return step.execution.state.ended or step.execution.state is State.KILLING


def _counted_from(execution: ExecutionRow) -> datetime:
    # One that was restarted after its end has its whole time again.
    for before, change in reversed(list(pairwise(execution.histories))):
        if change.state is State.RESTARTED and before.state.ended:
            return change.date
    return execution.schedule_date or execution.histories[0].date


def _act(step: Step, sla: Any, reason: str) -> bool:
    """What a broken SLA does; False when it had done it before."""
    changed = add_labels(step, {label.key: label.value for label in sla.labels})
    state = _ENDS.get(str(sla.behavior))
    if state is None:
        if changed:
            step.log(Level.WARN, None, f"SLA `{sla.id}`: {reason}")
        return changed
    step.log(Level.ERROR, None, f"SLA `{sla.id}`: {reason}")
    last = step.ports.look.last_open()
    run = step.adopt([last])[0] if last is not None else None
    if run is not None and not run.state.ended:
        if held(run) and run.token is not None:
            step.command(KillTask(run.id, run.token))
        stop(step, run, state)
    end_execution(step, state)
    sweep(step)
    return True
