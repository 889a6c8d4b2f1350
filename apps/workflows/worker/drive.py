"""Run, advance, run what was claimed, … until there is nothing to claim or the few seconds are up.

One commit per task: the transaction that records a result also creates and claims the next task run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from django.db import DatabaseError, InterfaceError, connection

from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.ids import new_id
from apps.workflows.dispatch import send_drain
from apps.workflows.engine.events import Continue, Created, Event, TaskRunEnded
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts, claim_task_run, read_facts
from apps.workflows.execution_store.save import Extras
from apps.workflows.plugin_api.task import RunnableTask, UnitTask
from apps.workflows.services.advance import Advanced, Claimer, advance_execution, advance_or_store
from apps.workflows.services.definitions import LoadedFlow, load_flow, worker_group
from apps.workflows.worker.cancellation import Reason
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.pulse import Orphan, Pulse, Running
from apps.workflows.worker.run_context import TaskRunContext
from apps.workflows.worker.run_task import run_task
from apps.workflows.worker.units import Unit

log = structlog.get_logger(__name__)

BUDGET = 3.0
"""Seconds after which a process stops claiming the next task of the same execution, for fairness."""
TRIES = 5
"""How often a result is offered to the database before the claim is given back."""


@dataclass
class Driver:
    """A worker process at work on one execution at a time. ``groups`` are the worker groups it serves."""

    pulse: Pulse
    groups: frozenset[str]
    _stored_beside: bool = False

    def begin(self, execution_id: str) -> None:
        """Make a new execution's first step, and run on from there."""
        self._drive(execution_id, self._advance(execution_id, Created()))

    def drain(self, execution_id: str) -> None:
        """Claim a task run of this execution that waits for a worker, run it, and so on, until none waits."""
        facts = read_facts(execution_id)
        if facts is None:
            return
        flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
        run = self._claimer(math.inf).take_waiting(execution_id, flow, read_clock())
        if run is None:
            return
        if not is_light(flow, run):
            # While this one keeps the process, the others that wait need another.
            send_drain(execution_id, worker_group(flow.compiled.task(run.task_id)))
        self._run_claimed(execution_id, run)

    def run(self, execution_id: str, run_id: str) -> None:
        """Claim a task run that waits for a worker, and run on from there. Does nothing when it is not to be had."""
        token = f"{self.pulse.process_id}:{new_id()}"
        run = claim_task_run(run_id, token, read_clock())
        if run is not None:
            self._run_claimed(execution_id, run)

    def _drive(self, execution_id: str, advanced: Advanced) -> None:
        if advanced.claimed is not None:
            self._run_claimed(execution_id, advanced.claimed)

    def _run_claimed(self, execution_id: str, run: RunRow) -> None:
        tenant = require_tenant()
        until = time.monotonic() + BUDGET
        facts: ExecutionFacts | None = None
        flow: LoadedFlow | None = None
        held: RunRow | None = run
        try:
            while held is not None:
                if facts is None or flow is None:
                    facts = read_facts(execution_id)
                    if facts is None:
                        return  # deleted: the claim is gone with it
                    flow = load_flow(facts.flow_ref, facts.flow_revision, facts.id)
                group = worker_group(flow.compiled.task(held.task_id))
                held = self._run_one(tenant, facts, flow, held, until)
                if held is None and self._stored_beside:
                    # The execution was busy when a result came. Folding it now spares it the wait for the clock.
                    self._stored_beside = False
                    held = self._advance(execution_id, Continue()).claimed
                if held is None and time.monotonic() >= until:
                    # The time is up, not the work: what still waits in this execution needs another message.
                    send_drain(execution_id, group)
        except BaseException:
            # Whatever went wrong here, the task run must not stay claimed by a process that does not run it.
            if held is not None:
                self.pulse.give_back(Orphan(tenant, execution_id, held.id, held.token or ""))
            raise

    def _run_one(
        self, tenant: str, facts: ExecutionFacts, flow: LoadedFlow, run: RunRow, until: float
    ) -> RunRow | None:
        task = flow.compiled.task(run.task_id).task
        if isinstance(task, UnitTask):
            return self._run_unit(tenant, facts, flow, run, task, until)
        logs = LogCapture.of(task, run.id, len(run.attempts) - 1)
        context = TaskRunContext(tenant, facts, flow, run, logs)
        if not isinstance(task, RunnableTask):
            raise TypeError(f"The task run {run.id} is claimed, but {run.task_id} is no runnable task")
        ended = run_task(context, task, self._watched)
        extras = Extras(*logs.take())
        return self._report(facts, run, ended, extras, until)

    @contextmanager
    def _watched(self, context: TaskRunContext) -> Iterator[None]:
        """The task is under the pulse's eye: log, claim and time-out."""
        deadline = None if context.timeout is None else time.monotonic() + context.timeout.total_seconds()
        self.pulse.begin(Running(context.tenant, context, deadline))
        try:
            yield
            if deadline is not None and time.monotonic() >= deadline:
                # A light task may be past its time before the pulse looked.
                context.cancellation.cancel(Reason.TIMED_OUT)
        finally:
            self.pulse.end()

    def _run_unit(
        self, tenant: str, facts: ExecutionFacts, flow: LoadedFlow, run: RunRow, task: UnitTask, until: float
    ) -> RunRow | None:
        def step_inside(about: RunRow, event: Event, extras: Extras) -> RunRow | None:
            # Without a claimer: nothing else may be claimed while the unit lasts, its children come unasked.
            return self._hand_over(
                facts,
                about,
                None,
                lambda: advance_execution(facts.id, event, extras=extras, ancestors=about.ancestors),
            )

        ended, extras = Unit(tenant, facts, flow, run, task, self._watched, step_inside).run_to_end()
        claimer = self._claimer(until)
        return self._hand_over(
            facts,
            run,
            claimer,
            lambda: advance_execution(facts.id, ended, claimer=claimer, extras=extras, ancestors=run.ancestors),
        )

    def _report(
        self, facts: ExecutionFacts, run: RunRow, ended: TaskRunEnded, extras: Extras, until: float
    ) -> RunRow | None:
        """Hand the result to the next step; answers the task run that was claimed with it."""
        claimer = self._claimer(until)
        return self._hand_over(
            facts, run, claimer, lambda: advance_or_store(facts, run, ended, claimer=claimer, extras=extras)
        )

    def _hand_over(
        self, facts: ExecutionFacts, run: RunRow, claimer: Claimer | None, step: Callable[[], Advanced]
    ) -> RunRow | None:
        """Make a step, again when the database goes away meanwhile; answers the task run that was claimed with it."""
        tenant = require_tenant()
        for attempt in range(1, TRIES + 1):
            try:
                advanced = step()
                self._stored_beside |= advanced.stored_beside
                return advanced.claimed
            except (DatabaseError, InterfaceError) as error:
                # The commit may have happened all the same: a second try changes nothing then, and a claim that
                # was made with it is one that nobody works on.
                while claimer is not None and claimer.issued:
                    run_id, token = claimer.issued.pop()
                    self.pulse.give_back(Orphan(tenant, facts.id, run_id, token))
                connection.close()
                log.warning("result not saved", run=run.id, attempt=attempt, error=str(error).strip())
                if attempt == TRIES:
                    raise
                time.sleep(0.2 * attempt)  # a database that restarts needs a moment
        raise AssertionError("unreachable")

    def _advance(self, execution_id: str, event: Event) -> Advanced:
        tenant = require_tenant()
        claimer = self._claimer(time.monotonic() + BUDGET)
        try:
            return advance_execution(execution_id, event, claimer=claimer)
        except (DatabaseError, InterfaceError):
            for run_id, token in claimer.issued:
                self.pulse.give_back(Orphan(tenant, execution_id, run_id, token))
            raise

    def _claimer(self, until: float) -> Claimer:
        return Claimer(self.pulse.process_id, self.groups, until)


def is_light(flow: LoadedFlow, run: RunRow) -> bool:
    """Whether the task returns at once, so that others may well wait for this process."""
    task = flow.compiled.task(run.task_id).task
    return isinstance(task, RunnableTask) and task.light
