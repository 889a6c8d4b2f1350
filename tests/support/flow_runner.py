"""Whole flows in this process: real services, steps, tasks, clock and PostgreSQL; only Celery is left out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.common.clock import now
from apps.workflows.flow_language.source import parse_flow
from apps.workflows.models import Execution, Flow, LogEntry, TaskRun
from apps.workflows.services.clock import tick_timers
from apps.workflows.services.executions import StartRequest, create_execution
from apps.workflows.services.flows import create_flow, update_flow
from tests.support.inline_dispatcher import Jobs

FLOWS = Path(__file__).parent.parent / "flows"
ENDED = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED"}


@dataclass
class Ran:
    """An execution as it stands in the database."""

    execution_id: str

    @property
    def execution(self) -> Execution:
        return Execution.objects.get(pk=self.execution_id)

    @property
    def state(self) -> str:
        return str(self.execution.state)

    @property
    def runs(self) -> list[TaskRun]:
        """Task runs in order."""
        return list(TaskRun.objects.filter(execution_id=self.execution_id).order_by("seq"))

    @property
    def states(self) -> list[tuple[str, str]]:
        """(task, state) in order; (task, state, value) inside loops is ``valued_states``."""
        return [(run.task_id, run.state) for run in self.runs]

    @property
    def valued_states(self) -> list[tuple[str, str, str | None]]:
        return [(run.task_id, run.state, run.value) for run in self.runs]

    def run_of(self, task_id: str, value: str | None = None) -> TaskRun:
        """The one run of a task (with a value, in a loop)."""
        (found,) = [run for run in self.runs if run.task_id == task_id and (value is None or run.value == value)]
        return found

    def logs(self, task_id: str | None = None, level: int = 0) -> list[str]:
        """Messages in order."""
        names = {run.id: run.task_id for run in self.runs}
        lines = LogEntry.objects.filter(execution_id=self.execution_id, level__gte=level).order_by("id")
        return [line.message for line in lines if task_id is None or names.get(line.task_run_id) == task_id]


class FlowRunner:
    """Saves flows, starts them and runs them to their end."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs

    def save(self, source: str) -> tuple[str, str]:
        """Create the flow, or its next revision; answers namespace and id."""
        definition = parse_flow(source)
        if Flow.objects.filter(namespace=definition.namespace, flow_id=definition.id, deleted=False).exists():
            update_flow(acting_user=None, namespace=definition.namespace, flow_id=definition.id, source=source)
        else:
            create_flow(acting_user=None, source=source)
        return definition.namespace, definition.id

    def start(self, source: str, inputs: dict[str, Any] | None = None, **request: Any) -> Ran:
        """Create an execution; nothing runs yet."""
        namespace, flow_id = self.save(source)
        started = create_execution(
            acting_user=None, request=StartRequest(namespace, flow_id, given=inputs or {}, **request)
        )
        return Ran(started.execution_id)

    def run(self, source: str, inputs: dict[str, Any] | None = None, *, seconds: float = 30, **request: Any) -> Ran:
        """Start an execution and run it to its end, following the real clock. Fails when it takes longer."""
        ran = self.start(source, inputs, **request)
        self.finish(ran, seconds=seconds)
        return ran

    def finish(self, ran: Ran, *, seconds: float = 30) -> None:
        """Run jobs and due timers until the execution has ended."""
        deadline = time.monotonic() + seconds
        while True:
            self.jobs.run(most=100_000)
            if ran.state in ENDED:
                self.jobs.run(most=100_000)
                return
            assert time.monotonic() < deadline, f"still {ran.state} after {seconds} s: {ran.states}"
            self.tick()
            time.sleep(0.02)  # the clock itself is what is waited for

    def tick(self) -> None:
        """What beat does each second."""
        tick_timers(now())


def flow_file(name: str) -> str:
    """The source of tests/flows/<name>.yaml."""
    return (FLOWS / f"{name}.yaml").read_text()
