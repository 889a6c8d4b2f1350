"""Restart, replay, and setting a task run's state: what a person does to an execution that stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.audit.services import Actor
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, NotFound
from apps.common.ids import new_id
from apps.timers.services import set_timers
from apps.workflows.dispatch import send_restarted
from apps.workflows.engine.frontier import Change, ExecutionRow
from apps.workflows.engine.revisions import fit_runs, restart_anew
from apps.workflows.engine.sla import deadlines
from apps.workflows.engine.surgery import (
    InsideUnit,
    NoSuchTaskRun,
    NothingToRestart,
    Replay,
    Surgery,
    replay,
    restart,
    set_state,
)
from apps.workflows.execution_store.create import NewExecution
from apps.workflows.execution_store.load import Locked
from apps.workflows.execution_store.surgery import insert_copy, read_runs, save_surgery
from apps.workflows.execution_store.templates import pin_templates
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import find_execution
from apps.workflows.selectors.flow_sources import FlowSource, find_source
from apps.workflows.services.acting import hold_execution, record_action
from apps.workflows.services.advance import timer_key
from apps.workflows.services.definitions import FlowRevisionGone, LoadedFlow, load_flow
from apps.workflows.services.inputs import Upload
from apps.workflows.services.new_executions import (
    WATCH_EVERY,
    merged_labels,
    read_flow_inputs,
    starter_labels,
    store_execution,
)
from apps.workflows.services.quotas import check_execution_quota
from apps.workflows.services.state_news import news_of_step

Timer = tuple[str, str, datetime]
NO_TASK: Final = "No task found to restart execution from!"


@dataclass(frozen=True, slots=True)
class GivenInputs:
    """Inputs of a replay, in place of those of the execution it is made from."""

    values: Mapping[str, Any]
    files: Mapping[str, Upload]


def restart_execution(*, acting_user: Actor | None, execution_id: str, revision: int | None = None) -> str:
    """Let an execution that ended or is paused go on where it failed or paused; answers its id.

    With ``revision`` a new execution does that on this revision of the flow, and the answer is the new id. NotFound
    (execution, revision); IllegalState when it runs; IllegalArgument when it neither failed nor paused.
    """
    now = read_clock()
    with transaction.atomic():
        locked = _hold_still(execution_id)
        if revision is not None:
            fresh = _restart_on(locked, revision, now)
            record_action(acting_user, locked.execution, "restart", kind="CREATE", revision=revision, newId=fresh)
            return fresh
        flow = _flow(locked)
        runs = read_runs(execution_id, lock=True)
        try:
            surgery = restart(flow.compiled, locked.execution, runs, now)
        except NothingToRestart as error:
            raise IllegalArgument(NO_TASK) from error
        _save(locked, flow, surgery, now)
        record_action(acting_user, locked.execution, "restart")
    return execution_id


def change_task_run_state(*, acting_user: Actor | None, execution_id: str, task_run_id: str, state: State) -> None:
    """Give a task run of an execution that ended or is paused another end state, and let it go on from there.

    NotFound; IllegalState when it runs; IllegalArgument for an unknown task run, a child of a WorkingDirectory or a
    state that is no end.
    """
    if not state.ended:
        raise IllegalArgument(f"A task run can be set to an end state, {state} is none")
    now = read_clock()
    with transaction.atomic():
        locked = _hold_still(execution_id)
        flow = _flow(locked)
        try:
            surgery = set_state(
                flow.compiled, locked.execution, read_runs(execution_id, lock=True), task_run_id, state, now
            )
        except NoSuchTaskRun as error:
            raise IllegalArgument(f"Execution {execution_id} has no task run {task_run_id} to set") from error
        except InsideUnit as error:
            raise IllegalArgument(
                "A task inside a WorkingDirectory shares its folder: set the state of the WorkingDirectory instead"
            ) from error
        _save(locked, flow, surgery, now)
        record_action(acting_user, locked.execution, "state", taskRunId=task_run_id, state=state.value)


def replay_execution(
    *,
    acting_user: Actor | None,
    execution_id: str,
    task_run_id: str | None = None,
    revision: int | None = None,
    latest: bool = False,
    inputs: GivenInputs | None = None,
) -> str:
    """Run an execution again as a new one, whose id is answered.

    From a task run on, or (None) all of it; on its own revision, another, or the ``latest``; with its inputs or
    others. NotFound (execution, revision); IllegalArgument for an unknown task run; Invalid for the inputs;
    TooManyRequests at the tenant's quota.
    """
    now = read_clock()
    check_execution_quota(now)
    fresh_id = new_id()
    with transaction.atomic():
        locked = hold_execution(execution_id)
        old = locked.execution
        source = _source(old, None if latest else revision if revision is not None else old.flow_revision)
        same = source.revision == old.flow_revision
        flow = load_flow(source.flow_ref, source.revision, old.id if same else None)
        new = _descendant(old.id, fresh_id, source)
        new = replace(new, labels=merged_labels(new.labels, starter_labels(acting_user)))
        if inputs is not None:
            new = replace(new, inputs=read_flow_inputs(flow.definition, fresh_id, inputs.values, inputs.files))
        if task_run_id is None:
            store_execution(new, flow.definition, now)
        else:
            _replay_from(locked, flow, new, task_run_id, now)
        record_action(
            acting_user,
            old,
            "replay",
            kind="CREATE",
            taskRunId=task_run_id,
            revision=source.revision,
            newId=fresh_id,
        )
    return fresh_id


def _hold_still(execution_id: str) -> Locked:
    locked = hold_execution(execution_id)
    state = locked.execution.state
    if not state.ended and state is not State.PAUSED:
        raise IllegalState(f"Execution must have ended or be paused for this, it is {state}")
    return locked


def _flow(locked: Locked) -> LoadedFlow:
    try:
        return load_flow(locked.flow_ref, locked.execution.flow_revision, locked.execution.id)
    except FlowRevisionGone as error:
        raise NotFound(str(error)) from error


def _source(execution: ExecutionRow, revision: int | None) -> FlowSource:
    """The flow at a revision, the newest when None. NotFound; IllegalState when it cannot be read any more."""
    source = find_source(execution.namespace, execution.flow_id, revision)
    if source is None or source.deleted:
        wanted = "" if revision is None else f" at revision {revision}"
        raise NotFound(f"Flow {execution.namespace}.{execution.flow_id}{wanted} not found")
    try:
        load_flow(source.flow_ref, source.revision)
    except InvalidFlow as error:
        raise IllegalState(f"Flow {execution.namespace}.{execution.flow_id} cannot be read: {error}") from error
    return source


def _save(locked: Locked, flow: LoadedFlow, surgery: Surgery, now: datetime) -> None:
    tenant, execution = require_tenant(), locked.execution
    save_surgery(tenant, locked, surgery, now)
    news = news_of_step(locked, flow.definition, [execution.state.value], now)
    _set_timers(tenant, flow, execution, now, news)
    send_restarted(execution.id)


def _set_timers(
    tenant: str,
    flow: LoadedFlow,
    execution: ExecutionRow,
    now: datetime,
    news: Sequence[tuple[str, str, datetime]] = (),
) -> None:
    """The watch, which makes the step if its message is lost, the deadlines, counted anew after an end, and news."""
    due = [("sla", timer_key(execution.id, key), date) for key, date in deadlines(flow.compiled, execution)]
    set_timers(tenant, [("watch", execution.id, now + WATCH_EVERY), *due, *news])


def _restart_on(locked: Locked, revision: int, now: datetime) -> str:
    old = locked.execution
    source = _source(old, revision)
    flow = load_flow(source.flow_ref, source.revision)
    new = replace(_descendant(old.id, new_id(), source), attempt_number=old.attempt_number)
    fresh = _fresh_row(old, new, now)
    runs = read_runs(old.id, lock=False)
    try:
        made = restart_anew(_flow(locked).compiled, flow.compiled, fresh, old, runs, now, new_id)
    except NothingToRestart as error:
        raise IllegalArgument(NO_TASK) from error
    _insert(new, flow, fresh, made, now)
    return fresh.id


def _replay_from(locked: Locked, flow: LoadedFlow, new: NewExecution, task_run_id: str, now: datetime) -> None:
    old = locked.execution
    fresh = _fresh_row(old, new, now)
    fitted, rows = fit_runs(_flow(locked).compiled, flow.compiled, old, read_runs(old.id, lock=False))
    try:
        made = replay(flow.compiled, fresh, fitted, rows, task_run_id, now, new_id)
    except NoSuchTaskRun as error:
        raise IllegalArgument(NO_TASK) from error
    _insert(new, flow, fresh, made, now)


def _fresh_row(old: ExecutionRow, new: NewExecution, now: datetime) -> ExecutionRow:
    """The new execution as the surgery needs it: with the history of the old one, if that had ended."""
    ended = old.state.ended
    return ExecutionRow(
        id=new.id,
        namespace=new.namespace,
        flow_id=new.flow_id,
        flow_revision=new.flow_revision,
        state=old.state if ended else State.CREATED,
        histories=[replace(change) for change in old.histories] if ended else [Change(State.CREATED, now)],
        attempt_number=new.attempt_number,
    )


def _descendant(old_id: str, new_id: str, source: FlowSource) -> NewExecution:
    """A new execution with the inputs, labels and trigger of another."""
    held = find_execution(old_id)
    if held is None:
        raise NotFound(f"Execution {old_id} not found")
    return NewExecution(
        id=new_id,
        namespace=source.namespace,
        flow_id=source.flow_id,
        flow_revision=source.revision,
        flow_ref=source.flow_ref,
        labels=[(label["key"], label["value"]) for label in held.labels],
        inputs=held.inputs,
        variables=held.variables,
        trigger=held.trigger,
        parent_id=old_id,
        original_id=held.original_id or old_id,
    )


def _insert(new: NewExecution, flow: LoadedFlow, fresh: ExecutionRow, made: Replay, now: datetime) -> None:
    tenant = require_tenant()
    begun = replace(
        new,
        state=fresh.state,
        histories=fresh.histories,
        cursor=fresh.cursor,
        pending=fresh.pending,
        attempt_number=fresh.attempt_number,
    )
    insert_copy(tenant, begun, made, now)
    if flow.includes:
        pin_templates(new.id, flow.pins)
    _set_timers(tenant, flow, fresh, now)
    send_restarted(new.id)
