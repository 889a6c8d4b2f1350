"""ExecutionNews: what a message about an execution says, and waiting for the execution to end."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.executions import ExecutionSummary
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.state import ENDED, State

LONGEST_WAIT = timedelta(minutes=10)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two looks at an execution that has not ended."""
_COLORS = {State.SUCCESS: "good", State.WARNING: "warning"}


@dataclass(frozen=True, slots=True)
class ExecutionNews:
    """An execution, as a message tells of it."""

    summary: ExecutionSummary
    state: State
    duration: timedelta
    message: str | None
    fields: Mapping[str, Any]

    @property
    def color(self) -> str:
        """``good``, ``warning`` or ``danger``."""
        return _COLORS.get(self.state, "danger")

    @property
    def title(self) -> str:
        """The flow."""
        return f"{self.summary.namespace}.{self.summary.flow_id}"

    @property
    def outcome(self) -> str:
        """``Failed on task `x` after 1m 5s``; the name of the task between the marks given."""
        how = {State.SUCCESS: "Succeeded", State.WARNING: "Ended with a warning"}.get(self.state)
        if how is None:
            how = "Failed" if self.state is State.FAILED else self.state.value.capitalize()
            if self.summary.failed_task is not None and self.state is State.FAILED:
                how += f" on task `{self.summary.failed_task}`"
        return f"{how} after {shown(self.duration)}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values, the flow's own ones last."""
        return [
            ("Namespace", self.summary.namespace),
            ("Flow ID", self.summary.flow_id),
            ("Execution ID", self.summary.execution_id),
            ("Execution Status", self.state.value),
            *((name, str(value)) for name, value in self.fields.items()),
        ]

    @property
    def when(self) -> datetime:
        """Its end, else its start."""
        return self.summary.end or self.summary.start


class ExecutionProperties(PluginModel):
    """Which execution a message is about, and what is added to it."""

    execution_id: Property[str] | None = Field(
        default=None,
        title="The execution; the task's own unless given. Another one is waited for, ten minutes at most.",
    )
    custom_fields: Property[dict[str, Any]] | None = Field(default=None, title="Fields to add; rendered.")
    custom_message: Property[str] | None = Field(default=None, title="A text to add; rendered.")

    def news(self, context: RunContext) -> ExecutionNews:
        """The execution as it is told of. TaskFailed when there is none, or when it does not end in time."""
        execution_id = context.execution_id if self.execution_id is None else self.execution_id.value(context).strip()
        own = execution_id == context.execution_id
        try:
            summary = context.executions().summary(execution_id) if own else _ended(context, execution_id)
        except LookupError as error:
            raise TaskFailed(f"No execution found for execution id {execution_id}") from error
        except PermissionError as error:
            raise TaskFailed(str(error)) from error
        state = summary.state
        if own and state not in ENDED:
            # It will end as its tasks have: a message about itself must tell so before.
            state = State.SUCCESS if summary.failed_task is None else State.FAILED
        return ExecutionNews(
            summary,
            state,
            (summary.end or context.now()) - summary.start,
            None if self.custom_message is None else self.custom_message.value(context),
            {} if self.custom_fields is None else self.custom_fields.value(context),
        )


def _ended(context: RunContext, execution_id: str) -> ExecutionSummary:
    """The execution once it has ended; a kill of the task is seen meanwhile."""
    stopped = threading.Event()
    forget = context.cancellation.on_cancel(stopped.set)
    deadline = context.now() + LONGEST_WAIT
    pause = FIRST_PAUSE
    try:
        while True:
            context.cancellation.check()
            summary = context.executions().summary(execution_id)
            if summary.state in ENDED:
                return summary
            if context.now() >= deadline:
                raise TaskFailed(f"The execution {execution_id} has not ended within ten minutes")
            stopped.wait(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
    finally:
        forget()


def shown(duration: timedelta) -> str:
    """``1h 2m 5s``, ``2m 5s`` or ``5.3s``."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h " if hours else "") + f"{minutes}m {rest}s"
