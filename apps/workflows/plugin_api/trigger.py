"""Trigger: the part of a flow that starts it, typed by a plugin."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field

from apps.workflows.plugin_api.condition import AnyCondition
from apps.workflows.plugin_api.duration import Duration, parse_duration
from apps.workflows.plugin_api.labels import Labels
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.state import State
from apps.workflows.plugin_api.task import Level, TaskId, WorkerGroup


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


class PollingTrigger(Trigger):
    """A trigger that looks again and again whether there is a reason to start the flow."""

    interval: Annotated[Duration, Field(title="Time between the end of one look and the next.")] = parse_duration(
        "PT60S"
    )
