"""FlowDefinition: a flow as it was written, checked and typed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, StringConstraints

from apps.workflows.plugin_api.documented import DEPRECATED
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.inputs import AnyInput, FlowOutput
from apps.workflows.plugin_api.labels import FlowLabels, Label, Labels
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.retry import Retry
from apps.workflows.plugin_api.typed import AnyCondition, AnyTask, AnyTrigger

__all__ = [
    "Concurrency",
    "ConcurrencyBehavior",
    "FlowDefinition",
    "Label",
    "Listener",
    "PluginDefault",
    "Sla",
    "SlaAssertion",
    "SlaBehavior",
    "SlaMaxDuration",
]

FlowId = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", min_length=1, max_length=100)]
NamespaceId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=150)]


class ConcurrencyBehavior(StrEnum):
    """What happens to an execution that finds no free place."""

    QUEUE = "QUEUE"
    CANCEL = "CANCEL"
    FAIL = "FAIL"


class Concurrency(PluginModel):
    """How many executions of the flow may run at once."""

    limit: Annotated[int, Field(gt=0, title="The number of executions that may run or be paused at once.")]
    behavior: ConcurrencyBehavior = Field(
        default=ConcurrencyBehavior.QUEUE, title="What happens to an execution beyond the limit."
    )


class SlaBehavior(StrEnum):
    """What a violated SLA does to its execution; its labels are added in each case."""

    FAIL = "FAIL"
    CANCEL = "CANCEL"
    NONE = "NONE"


class SlaBase(PluginModel):
    """What all kinds of SLA share."""

    id: Annotated[str, StringConstraints(min_length=1)] = Field(title="Name of the SLA.")
    behavior: SlaBehavior = Field(title="What happens to an execution that breaks it.")
    labels: Labels = Field(default_factory=list, title="Labels added to an execution that breaks it.")


class SlaMaxDuration(SlaBase):
    """The execution must end within a time."""

    type: Literal["MAX_DURATION"]
    duration: Duration = Field(title="The time, from the creation of the execution.")


class SlaAssertion(SlaBase):
    """An expression must stay true while the execution runs."""

    type: Literal["EXECUTION_ASSERTION"]
    # `assert` is a word of Python, so the name differs from the key.
    condition: str = Field(alias="assert", title="The expression that must be true.")


Sla = Annotated[SlaMaxDuration | SlaAssertion, Field(discriminator="type")]


class PluginDefault(PluginModel):
    """Values for the properties of all tasks, triggers, conditions and task runners of a type."""

    type: str = Field(title="A type, or the beginning of types.")
    values: dict[str, Any] = Field(title="The properties and their values.")
    forced: bool = Field(default=False, title="Whether the values win over those written in the task.")


class Listener(PluginModel):
    """Tasks that run after the end of an execution; kept for old flows."""

    description: str | None = Field(default=None, title="What it is for.")
    conditions: list[AnyCondition] = Field(default_factory=list, title="All of them must hold.")
    tasks: Annotated[list[AnyTask], Field(min_length=1, title="The tasks to run.")]


class FlowDefinition(PluginModel):
    """A named workflow: its inputs, its tasks, and what starts it."""

    id: FlowId = Field(title="Name of the flow, unique in its namespace.")
    namespace: NamespaceId = Field(title="The namespace, a path with dots.")
    revision: Annotated[int, Field(ge=1)] | None = Field(default=None, title="Counted by the server.")
    description: str | None = Field(default=None, title="What the flow is for, as Markdown.")
    labels: FlowLabels = Field(default_factory=list, title="Labels of the flow and of its executions.")
    inputs: list[AnyInput] = Field(default_factory=list, title="What must be given to start it.")
    variables: dict[str, Any] = Field(default_factory=dict, title="Values read as `vars.name` in expressions.")
    tasks: Annotated[list[AnyTask], Field(min_length=1, title="The tasks, in order.")]
    errors: list[AnyTask] = Field(default_factory=list, title="Tasks that run when a task has failed for good.")
    finally_: list[AnyTask] = Field(
        default_factory=list, alias="finally", title="Tasks that run at the end, whatever the outcome."
    )
    after_execution: list[AnyTask] = Field(
        default_factory=list, title="Tasks that run after the end; they do not change the outcome."
    )
    listeners: list[Listener] = Field(
        default_factory=list,
        json_schema_extra=DEPRECATED,
        title="Tasks that run after the end; use a Flow trigger of another flow instead.",
    )
    triggers: list[AnyTrigger] = Field(default_factory=list, title="What starts the flow by itself.")
    plugin_defaults: list[PluginDefault] = Field(
        default_factory=list,
        validation_alias=AliasChoices("pluginDefaults", "taskDefaults"),
        serialization_alias="pluginDefaults",
        title="Values for the properties of tasks and triggers, by type.",
    )
    concurrency: Concurrency | None = Field(default=None, title="How many executions may run at once.")
    sla: list[Sla] = Field(default_factory=list, title="What executions must keep to.")
    outputs: list[FlowOutput] = Field(default_factory=list, title="Values that an execution gives at its end.")
    retry: Retry | None = Field(default=None, title="The retry of all tasks that have none.")
    disabled: bool = Field(default=False, title="Whether no execution can be started.")
    deleted: bool = Field(default=False, title="Kept by the server.")
