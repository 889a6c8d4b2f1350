"""One step of an execution: lock, load, decide, save, commit, send. The only writer of execution state.

Steps of an execution take turns on its row. A step is idempotent: it looks at the rows before it acts, so an event
that is lost, doubled or late does no harm (architecture.md §3, engine-frames.md §10).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import new_id
from apps.isolation.selectors import denials
from apps.timers.services import Statement, drop_timers, dropping, keep_timer, setting
from apps.workflows.dispatch import send_commands
from apps.workflows.engine.commands import AnnounceEnd, DropTimer, LogLine, SetTimer
from apps.workflows.engine.compiled_flow import CompiledFlow
from apps.workflows.engine.decide import decide
from apps.workflows.engine.decision import Decision
from apps.workflows.engine.events import Continue, Created, Event, TaskRunEnded, Woken
from apps.workflows.engine.frontier import Attempt, Change, ExecutionRow, Frontier, RunRow
from apps.workflows.engine.ports import Ports
from apps.workflows.execution_store.claims import ExecutionFacts, claim_waiting_run, read_facts, store_result_beside
from apps.workflows.execution_store.load import Locked, execution_exists, load_frontier, load_runs, lock_execution
from apps.workflows.execution_store.look import PostgresLook
from apps.workflows.execution_store.save import Extras, insert_logs, insert_metrics, save_step
from apps.workflows.execution_store.slots import SLOTS_TIMER, give_slot_back, slots_key, take_slot
from apps.workflows.flow_language.violations import InvalidFlow
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level
from apps.workflows.selectors.logs import list_error_logs
from apps.workflows.services.definitions import FlowRevisionGone, LoadedFlow, load_flow, worker_group
from apps.workflows.services.expression_functions import StoreFunctions
from apps.workflows.services.masking import hide_secrets
from apps.workflows.services.render_port import StepRender
from apps.workflows.services.state_news import news_of_step
from apps.workflows.services.variables import ExpressionSource

log = structlog.get_logger(__name__)

CONTINUE_TIMER = "continue"
"""Kind of the timer that stands behind results stored beside a busy step."""

SLOTS_EVERY = timedelta(seconds=30)
"""How often a flow whose limit keeps executions waiting is looked after."""

RUN_TIMERS = frozenset({"retry", "sleep", "timeout", "delay", "pause_timeout", "loop"})
"""Kinds of timers whose key names a task run."""


@dataclass(slots=True)
class Claimer:
    """The process that makes a step, when it may run the next task itself.

    It serves ``groups`` and claims until ``until`` (monotonic seconds), for fairness. ``issued`` keeps every token it
    gave out, so that a claim whose commit is in doubt can be given back.
    """

    process_id: str
    groups: frozenset[str]
    until: float
    issued: list[tuple[str, str]] = field(default_factory=list)

    @property
    def has_time(self) -> bool:
        """Whether it goes on with this execution."""
        return time.monotonic() < self.until

    def token(self, run: RunRow, compiled: CompiledFlow) -> str | None:
        """A new token for a run that the step makes, or None."""
        if not self.has_time or worker_group(compiled.task(run.task_id)) not in self.groups:
            return None
        token = self.new_token()
        self.issued.append((run.id, token))
        return token

    def new_token(self) -> str:
        """A token that names this process."""
        return f"{self.process_id}:{new_id()}"

    def take_waiting(self, execution_id: str, flow: LoadedFlow, now: datetime) -> RunRow | None:
        """Claim, in this transaction, a run of the execution that waits for a worker of these groups."""
        if not self.has_time:
            return None
        token = self.new_token()
        run = claim_waiting_run(execution_id, flow.tasks_of(self.groups), token, now)
        if run is not None:
            self.issued.append((run.id, token))
        return run


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a step came to. ``claimed`` is the task run this process now holds and must run."""

    found: bool
    state: State | None = None
    claimed: RunRow | None = None
    stored_beside: bool = False


class _NewIds:
    """Source of ids and of chance."""

    def __call__(self) -> str:
        return new_id()

    def fraction(self) -> float:
        return random.random()  # noqa: S311 - spreads retries, guards nothing


def advance_execution(
    execution_id: str,
    event: Event,
    *,
    claimer: Claimer | None = None,
    extras: Extras | None = None,
    ancestors: tuple[str, ...] | None = None,
) -> Advanced:
    """Make one step with an event, in one transaction; what it commanded is sent after the commit.

    ``extras`` are logs and metrics of the ended task, written in the same commit. Raises database errors: the caller
    may call again with the same event. An unknown execution changes nothing (``found`` is False).
    """
    tenant = require_tenant()
    extras = extras or Extras()
    now = read_clock()
    with transaction.atomic():
        locked = lock_execution(execution_id)
        if locked is None:
            _forget_timer(tenant, execution_id, event)
            return Advanced(found=False)
        return _stepped(tenant, locked, event, now, claimer, extras, ancestors)


def _stepped(
    tenant: str,
    locked: Locked,
    event: Event,
    now: datetime,
    claimer: Claimer | None,
    extras: Extras,
    ancestors: tuple[str, ...] | None,
) -> Advanced:
    """A step whose commands are sent; a worker that got no new run takes one that waits, in the same commit."""
    execution = locked.execution
    decision = step(tenant, locked, event, now, claimer, extras, ancestors)
    claimed = decision.claimed
    if claimed is None and claimer is not None and not execution.state.ended:
        flow = load_flow(locked.flow_ref, execution.flow_revision, execution.id)
        claimed = claimer.take_waiting(execution.id, flow, now)
    send_commands(execution.id, decision.commands)
    return Advanced(found=True, state=execution.state, claimed=claimed)


def step(
    tenant: str,
    locked: Locked,
    event: Event,
    now: datetime,
    claimer: Claimer | None = None,
    extras: Extras | None = None,
    ancestors: tuple[str, ...] | None = None,
    frontier: Frontier | None = None,
    *,
    put_off: bool = False,
) -> Decision:
    """Decide and save, on an execution whose row the caller's transaction holds. The caller sends the commands.

    ``frontier`` is given by who has loaded it already, with many others. With ``put_off`` the event changes its own
    rows alone, and all that follows from it is left to a Continue. BackendDenied.
    """
    execution = locked.execution
    flow: LoadedFlow | None = None
    try:
        flow = load_flow(locked.flow_ref, execution.flow_revision, execution.id)
    except (FlowRevisionGone, InvalidFlow) as error:
        decision = _give_up(locked, str(error), now)
    else:
        frontier = frontier or load_frontier(locked, _run_of(event), ancestors)
        if isinstance(event, Continue):
            # Its timer is dropped before the look: a result stored beside in between leaves a new one.
            drop_timers(tenant, [(CONTINUE_TIMER, execution.id)])
        secrets: set[str] = set()
        ports = _ports(tenant, locked, frontier, flow, claimer, secrets, 0 if put_off else settings.KESTRA_SLICE)
        with denials() as denied:
            decision = decide(flow.compiled, frontier, event, now, ports)
        if denied:
            # Nothing of the step is kept: a process that may reach the backend makes it.
            raise denied[0]
        hide_secrets(decision, execution, secrets)
    extras = extras or Extras()
    if State.FAILED in decision.entered and execution.error is None:
        execution.error = _first_error(execution.id, decision, extras)
    news = news_of_step(locked, None if flow is None else flow.definition, decision.entered, now)
    save_step(tenant, locked, decision, extras, now, _timer_statements(tenant, execution, decision, news))
    if any(isinstance(command, AnnounceEnd) and command.slot_freed for command in decision.commands):
        give_slot_back(execution.namespace, execution.flow_id)
    if _found_no_place(execution, decision, event):
        # Whether or not the message about the next free place arrives, this flow is looked after.
        keep_timer(tenant, SLOTS_TIMER, slots_key(execution.namespace, execution.flow_id), now + SLOTS_EVERY)
    if execution.parent_execution_id is None:
        # Nobody waits for this end: most executions have no parent and no limit, and a message costs as much as a task.
        decision.commands = [
            command for command in decision.commands if not isinstance(command, AnnounceEnd) or command.slot_freed
        ]
    return decision


def advance_or_store(
    facts: ExecutionFacts, run: RunRow, event: TaskRunEnded, *, claimer: Claimer | None, extras: Extras
) -> Advanced:
    """A worker's step, without waiting when another step holds the execution (engine-frames §9.6).

    Then the plain success of a first try goes into the run's own row, ended and pending, with a Continue timer: who
    takes the execution next for that timer folds it. Every other result waits its turn, since it asks for a decision
    (retry, allowFailure, warningOnRetry).
    """
    tenant = require_tenant()
    execution_id = facts.id
    if event.state is State.SUCCESS and len(run.attempts) <= 1 and not _in_unit(facts, run):
        now = read_clock()
        with transaction.atomic():
            locked = lock_execution(execution_id, skip_locked=True)
            if locked is not None:
                return _stepped(tenant, locked, event, now, claimer, extras, run.ancestors)
            if not execution_exists(execution_id):
                return Advanced(found=False)
            if _store_beside(tenant, execution_id, run, event, extras, facts.flow_ref, now):
                claimed = None
                if claimer is not None:
                    flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
                    claimed = claimer.take_waiting(execution_id, flow, now)
                return Advanced(found=True, claimed=claimed, stored_beside=True)
    return advance_execution(execution_id, event, claimer=claimer, extras=extras, ancestors=run.ancestors)


def _in_unit(facts: ExecutionFacts, run: RunRow) -> bool:
    """Whether the run is a child of a WorkingDirectory: its worker waits for the step's answer."""
    return load_flow(facts.flow_ref, facts.flow_revision, facts.id).compiled.task(run.task_id).in_unit


def _store_beside(
    tenant: str, execution_id: str, run: RunRow, event: TaskRunEnded, extras: Extras, flow_ref: int, now: datetime
) -> bool:
    rows = load_runs(execution_id, [run.id])
    if not rows or rows[0].token != event.token or rows[0].state is not State.RUNNING:
        return False
    held = rows[0]
    close_attempt(held, event)
    held.enter(event.state, event.ended)
    held.outputs = None if event.outputs is None else dict(event.outputs)
    if not store_result_beside(held):
        return False
    if extras.logs:
        insert_logs(execution_id, flow_ref, extras.logs)
    if extras.metrics:
        insert_metrics(execution_id, flow_ref, extras.metrics)
    keep_timer(tenant, CONTINUE_TIMER, execution_id, now)
    return True


def close_attempt(run: RunRow, event: TaskRunEnded) -> None:
    """Write the end of the running attempt."""
    if not run.attempts:
        run.attempts.append(Attempt([Change(State.CREATED, event.ended), Change(State.RUNNING, event.ended)]))
    run.attempts[-1].histories.append(Change(event.state, event.ended))
    if event.log_file:
        run.attempts[-1].log_file = event.log_file


def _found_no_place(execution: ExecutionRow, decision: Decision, event: Event) -> bool:
    """Whether the limit of its flow keeps a new execution from beginning: queued, or ended at once."""
    if State.QUEUED in decision.entered:
        return True
    begins = isinstance(event, Created | Woken) and execution.cursor is None
    return begins and bool(decision.entered) and execution.state in (State.CANCELLED, State.FAILED)


def _ports(
    tenant: str,
    locked: Locked,
    frontier: Frontier,
    flow: LoadedFlow,
    claimer: Claimer | None,
    secrets: set[str],
    most_rows: int,
) -> Ports:
    execution = locked.execution
    facts: list[ExecutionFacts] = []

    def read() -> ExecutionFacts:
        if not facts:
            found = read_facts(execution.id)
            if found is None:
                raise LookupError(f"The execution {execution.id} was deleted")
            facts.append(found)
        return facts[0]

    source = ExpressionSource(read, flow, execution.id, tenant, frontier.runs, labels=lambda: execution.labels)

    def functions() -> StoreFunctions:
        return StoreFunctions(read(), now=read_clock, masks=secrets.add)

    def claim(run: RunRow, task_index: int) -> str | None:
        return None if claimer is None else claimer.token(run, flow.compiled)

    def slot(limit: int) -> bool:
        return take_slot(execution.namespace, execution.flow_id, limit)

    return Ports(
        render=StepRender(source, functions, lambda: execution.state, secrets),
        look=PostgresLook(execution.id, frontier.runs),
        claim=claim,
        new_id=_NewIds(),
        take_slot=slot,
        slice=most_rows,
    )


def _first_error(execution_id: str, decision: Decision, extras: Extras) -> str | None:
    """First line of the first error the execution logged: what lists show. One query, once per failed execution."""
    stored = [line.message for line in list_error_logs(execution_id, limit=1)]
    unsaved = [line.message for line in extras.logs if line.level is Level.ERROR]
    unsaved += [line.message for line in decision.logs if line.level is Level.ERROR]
    messages = stored + unsaved
    return messages[0].strip().partition("\n")[0] if messages else None


def _run_of(event: Event) -> str | None:
    if isinstance(event, Woken):
        return event.key if event.kind in RUN_TIMERS else None
    return getattr(event, "run_id", None)


def _timer_statements(
    tenant: str, execution: ExecutionRow, decision: Decision, news: list[tuple[str, str, datetime]]
) -> list[Statement]:
    # The last word on a name counts: a step may set a timer and drop it again.
    final: dict[tuple[str, str], SetTimer | DropTimer] = {}
    for timer in decision.timers:
        final[timer.kind, timer_key(execution.id, timer.key)] = timer
    if execution.schedule_date is None:
        final.pop(("schedule", execution.id), None)  # it never had one
    dropped = [name for name, timer in final.items() if isinstance(timer, DropTimer)]
    kept = [(*name, timer.due) for name, timer in final.items() if isinstance(timer, SetTimer)]
    return dropping(tenant, dropped) + setting(tenant, kept + news)


def timer_key(execution_id: str, key: str) -> str:
    """Name of an execution's timer: its id, and what the timer is about."""
    return f"{execution_id}:{key}" if key else execution_id


def _forget_timer(tenant: str, execution_id: str, event: Event) -> None:
    if isinstance(event, Woken):
        drop_timers(tenant, [(event.kind, timer_key(execution_id, event.key))])


def _give_up(locked: Locked, message: str, now: datetime) -> Decision:
    """The flow cannot be read any more: the execution ends FAILED and says why, instead of being tried for ever."""
    execution = locked.execution
    decision = Decision()
    if not execution.state.ended:
        log.error("execution cannot go on", execution=execution.id, reason=message)
        execution.enter(State.FAILED, now)
        execution.error = message.splitlines()[0]
        decision.execution_changed = True
        decision.entered.append(State.FAILED)
        decision.logs.append(LogLine(None, None, Level.ERROR, message, now))
        decision.commands.append(AnnounceEnd(execution.slot))
        execution.slot = False
    decision.timers.append(DropTimer("watch", ""))
    return decision
