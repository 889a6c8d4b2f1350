"""Trigger: the part of a flow that starts it, typed by a plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AliasChoices, Field

from apps.workflows.plugin_api.condition import AnyCondition, Condition
from apps.workflows.plugin_api.duration import Duration, parse_duration
from apps.workflows.plugin_api.labels import Labels
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.state import ENDED, State
from apps.workflows.plugin_api.task import Level, TaskId, WorkerGroup
from apps.workflows.plugin_api.time_window import Gathered

if TYPE_CHECKING:
    from apps.workflows.plugin_api.run_context import Renderer, RunContext


class Trigger(PluginModel):
    """What all triggers share. How a kind of trigger decides to start the flow is said by its subclasses."""

    id: TaskId = Field(title="Name of the trigger, unique in the flow.")
    type: str = Field(title="The kind of trigger.")
    description: str | None = Field(default=None, title="What it is for.")
    conditions: list[AnyCondition] = Field(default_factory=list, title="All of them must hold for the flow to start.")
    disabled: bool = Field(default=False, title="Whether it is switched off.")
    worker_group: WorkerGroup | None = Field(default=None, title="The pool of workers that evaluates it.")
    log_level: Level | None = Field(
        default=None,
        validation_alias=AliasChoices("logLevel", "minLogLevel"),
        serialization_alias="logLevel",
        title="The least level that is kept of its log.",
    )
    labels: Labels = Field(
        default_factory=list, title="Labels of the executions it starts; the values may be expressions."
    )
    stop_after: list[State] = Field(
        default_factory=list, title="The trigger switches itself off when its execution ends in one of these states."
    )
    log_to_file: bool = Field(default=False, title="Whether its log goes to a file in internal storage.")

    def check(self) -> list[str]:
        """What is wrong beyond types, as sentences; called when a flow is saved."""
        return []

    def all_conditions(self) -> Sequence[Condition]:
        """The conditions that must hold, also those written under a name of old."""
        return self.conditions


class PollingTrigger(Trigger):
    """A trigger that looks again and again whether there is a reason to start the flow."""

    interval: Annotated[Duration, Field(title="Time between the end of one look and the next.")] = parse_duration(
        "PT60S"
    )

    def poll(self, context: RunContext) -> Mapping[str, Any] | None:
        """One look, made by a worker: the variables of ``trigger`` when the flow is to start, else None.

        TaskFailed when looking failed: that is logged, and it looks again after the interval.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that starts the flow. ``variables`` are those of ``trigger`` in its execution.

    With a ``name`` (an id or an offset that the source gives, always the same for the same event) its execution is made
    exactly once, however often the event is delivered; without one it is made once per delivery. ``moment``, if the
    source tells it, must be the same at each delivery too.
    """

    variables: Mapping[str, Any]
    name: str | None = None
    moment: datetime | None = None


class RealtimeTrigger(Trigger):
    """A trigger that listens without an end, and starts the flow for each event."""

    def stream(self, context: RunContext) -> Iterator[StreamEvent]:
        """The events, as they come; runs in a thread of a worker process, in one process at a time.

        When the next event is asked for, the execution of the one before is stored: acknowledge it then, and not
        earlier, and no event is lost. Ends soon after ``context.cancellation`` says so; wake what waits by
        ``on_cancel``. Whatever it raises is logged, and the stream is opened again after a while.
        """
        raise NotImplementedError


class RecoverMissedSchedules(StrEnum):
    """What becomes of dates that passed while nobody could start the flow."""

    ALL = "ALL"
    LAST = "LAST"
    NONE = "NONE"


class TimeTrigger(Trigger):
    """A trigger that starts the flow at dates it can tell beforehand."""

    inputs: dict[str, Any] | None = Field(default=None, title="Inputs of the executions; rendered.")
    recover_missed_schedules: RecoverMissedSchedules = Field(
        default=RecoverMissedSchedules.ALL,
        title="What becomes of dates that passed while the flow could not be started.",
    )

    @property
    def longest_delay(self) -> timedelta | None:
        """How late a date may still start the flow; None: as late as it may be."""
        return None

    def next_date(self, after: datetime, renderer: Renderer) -> datetime | None:
        """The first date after a moment, in UTC; None when there is none. ValueError, ExpressionError."""
        raise NotImplementedError

    def previous_date(self, before: datetime, renderer: Renderer) -> datetime | None:
        """The last date before a moment."""
        raise NotImplementedError

    def variables(self, date: datetime, before: datetime | None, after: datetime | None) -> dict[str, Any]:
        """The variables of ``trigger`` in the execution of a date, between the dates before and after it."""
        return {}


class FlowListener(Trigger):
    """A trigger that starts the flow after executions of other flows."""

    inputs: dict[str, Any] | None = Field(
        default=None, title="Inputs of the execution; rendered, with the outputs of the execution that was followed."
    )
    states: list[State] = Field(
        default_factory=lambda: [state for state in State if state in ENDED],
        title="The states of an execution that count; those at its end when not given.",
    )

    def gathered(self) -> Sequence[Gathered]:
        """What must come true within a window, by several executions."""
        return ()

    def plain_conditions(self) -> Sequence[Condition]:
        """What must hold for each execution that counts."""
        return self.conditions

    def may_follow(self, namespace: str, flow_id: str) -> bool:
        """False when no execution of that flow can ever matter to it; seen without evaluating anything."""
        if any(condition.excludes(namespace, flow_id) for condition in self.plain_conditions()):
            return False
        groups = self.gathered()
        return not groups or any(not group.excludes(namespace, flow_id) for group in groups)


class WebhookTrigger(Trigger):
    """A trigger that starts the flow when its address is called."""

    key: Annotated[str, Field(min_length=1, max_length=256, title="The secret part of its address; rendered.")]
