"""Units: a WorkingDirectory's folder on this worker, and its children one after another under its claim.

The worker holds one claim, the unit's. Each step answers with the next child, RUNNING under the same token; when none
is left the folder is closed, and only then the unit's own result is reported.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from apps.common.clock import now as read_clock
from apps.workflows.engine.events import Event, TaskRunEnded, UnitOpened, Woken
from apps.workflows.engine.frontier import RunRow
from apps.workflows.execution_store.claims import ExecutionFacts, still_held
from apps.workflows.execution_store.save import Extras
from apps.workflows.execution_store.units import next_try_at, running_child
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Output, RunnableTask, UnitTask
from apps.workflows.services.definitions import LoadedFlow
from apps.workflows.worker.log_capture import LogCapture
from apps.workflows.worker.run_context import TaskRunContext
from apps.workflows.worker.run_task import Watch, run_task, run_work, with_log_file

Offer = Callable[[RunRow, Event, Extras], RunRow | None]
"""Hands an event about a run of the unit to a step, until the database takes it; answers the child that is claimed."""


@dataclass
class Unit:
    """A claimed unit. ``run_to_end`` is called once, by the process that holds the claim."""

    tenant: str
    facts: ExecutionFacts
    flow: LoadedFlow
    run: RunRow
    task: UnitTask
    watch: Watch
    offer: Offer
    context: TaskRunContext = field(init=False)
    _until: float | None = field(init=False, default=None)
    """When the unit's ``timeout`` is over, by the monotonic clock."""

    def __post_init__(self) -> None:
        self.context = self._context(self.run)

    def run_to_end(self) -> tuple[TaskRunEnded, Extras]:
        """Open the folder, run the children, close it; answers the unit's own result, not yet reported.

        Raises what ``run_task`` raises: then the unit's claim is to be given back, and all of it is run again.
        """
        try:
            ended = with_log_file(self.context, self._run())
            return ended, Extras(*self.context.logs.take())
        finally:
            self.context.close()

    def _run(self) -> TaskRunEnded:
        held: list[Any] = []
        begun = time.monotonic()

        def set_up() -> None:
            self.context.working_directory()
            held.append(self.task.set_up(self.context))

        opened = run_work(self.context, set_up, self.watch, timeout=self.task.timeout)
        if self.context.timeout is not None:
            self._until = begun + self.context.timeout.total_seconds()
        if opened.state is not State.SUCCESS:
            return opened
        child = self.offer(self.run, UnitOpened(self.run.id, self._token), Extras(*self.context.logs.take()))
        while (child := child or running_child(self.run.id, self._token)) is not None:
            child = self._run_child(child)
        if not still_held(self.run.id, self._token):
            return TaskRunEnded(self.run.id, self._token, State.KILLED, None, read_clock())

        def tear_down() -> Output | None:
            return self.task.tear_down(self.context, held[0])

        return run_work(self.context, tear_down, self.watch, within=self._left())

    def _run_child(self, child: RunRow) -> RunRow | None:
        """Run one child and report it; answers the next one, which may be another try of the same."""
        task = self.flow.compiled.task(child.task_id).task
        if not isinstance(task, RunnableTask):
            raise TypeError(
                f"The task {child.task_id} is no runnable task and cannot be in the unit {self.run.task_id}"
            )
        context = self._context(child)
        ended = run_task(context, task, self.watch, within=self._left())
        following = self.offer(child, ended, Extras(*context.logs.take()))
        if following is not None or ended.state is not State.FAILED:
            return following
        due = next_try_at(child.id)
        if due is None or not self._wait((due - read_clock()).total_seconds()):
            return None
        return self.offer(child, Woken("retry", child.id), Extras())

    def _left(self) -> timedelta | None:
        """What is left of the unit's ``timeout``; whatever runs when nothing is fails, and the unit with it."""
        return None if self._until is None else timedelta(seconds=max(self._until - time.monotonic(), 0))

    def _wait(self, seconds: float) -> bool:
        """Wait for a child's next try, with the folder as it is; False when the unit must stop meanwhile."""
        stopped = threading.Event()
        with self.watch(self.context):
            take_back = self.context.cancellation.on_cancel(stopped.set)
            stopped.wait(max(seconds, 0))
            take_back()
        return not stopped.is_set()

    def _context(self, run: RunRow) -> TaskRunContext:
        task = self.flow.compiled.task(run.task_id).task
        logs = LogCapture.of(task, run.id, max(len(run.attempts) - 1, 0))
        folder = None if run is self.run else self.context.working_directory()
        return TaskRunContext(self.tenant, self.facts, self.flow, run, logs, folder)

    @property
    def _token(self) -> str:
        if self.run.token is None:
            raise ValueError(f"The unit {self.run.id} is run without a claim")
        return self.run.token
