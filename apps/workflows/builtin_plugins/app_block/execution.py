"""Blocks that start, steer and show an execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from apps.workflows.builtin_plugins.app_block.example import shown_on
from apps.workflows.plugin_api.app_block import AppBlock, AppEvent, ButtonSize, ButtonStyle
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.input_values import InputType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.task import Level

_TYPE = "type: io.kestra.plugin.ee.apps.execution.blocks."
_KNOWN = frozenset({AppEvent.PAUSE, AppEvent.RESUME, AppEvent.SUCCESS, AppEvent.FAILURE})


class ExecutionButton(AppBlock):
    """What the buttons that act share."""

    text: str = Field(default="", title="What stands on it; expressions are rendered.")
    style: ButtonStyle = Field(default=ButtonStyle.DEFAULT, title="Its look.")
    size: ButtonSize = Field(default=ButtonSize.MEDIUM, title="Its size.")

    def texts(self) -> Mapping[str, str]:
        return {"text": self.text}


class CreateExecutionForm(AppBlock, Documented):
    """The flow's inputs as a form."""

    kind = "create_form"
    allowed_on = frozenset({AppEvent.OPEN})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.OPEN, "Ask for the flow's inputs.", _TYPE + "CreateExecutionForm"),
    )


class CreateExecutionButton(ExecutionButton, Documented):
    """Starts the flow with what the form holds."""

    kind = "create_button"
    allowed_on = frozenset({AppEvent.OPEN})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.OPEN, "Send the request.", _TYPE + "CreateExecutionButton\ntext: Request\nstyle: SUCCESS"),
    )

    text: str = Field(default="Execute", title="What stands on it; expressions are rendered.")


class ResumeExecutionForm(AppBlock, Documented):
    """What the paused task asks for (`onResume`), as a form."""

    kind = "resume_form"
    allowed_on = frozenset({AppEvent.PAUSE})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.PAUSE, "Ask the one who approves.", _TYPE + "ResumeExecutionForm"),
    )


class ResumeExecutionButton(ExecutionButton, Documented):
    """Lets the paused execution go on, with what the form holds."""

    kind = "resume_button"
    allowed_on = frozenset({AppEvent.PAUSE})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.PAUSE, "Approve.", _TYPE + "ResumeExecutionButton\ntext: Approve\nstyle: SUCCESS"),
    )

    text: str = Field(default="Resume", title="What stands on it; expressions are rendered.")


class CancelExecutionButton(ExecutionButton, Documented):
    """Ends the execution."""

    kind = "cancel_button"
    allowed_on = frozenset({AppEvent.CREATED, AppEvent.RUNNING, AppEvent.PAUSE})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.PAUSE, "Reject.", _TYPE + "CancelExecutionButton\ntext: Reject\nstyle: DANGER"),
    )

    text: str = Field(default="Cancel", title="What stands on it; expressions are rendered.")


class NameFilter(PluginModel):
    """Which values are shown, by their names."""

    include: list[str] = Field(default_factory=list, title="Only these; all when empty.")
    exclude: list[str] = Field(default_factory=list, title="All but these.")

    def takes(self, name: str) -> bool:
        """Whether the value of this name is shown."""
        return (not self.include or name in self.include) and name not in self.exclude


class Inputs(AppBlock, Documented):
    """What the execution was started with."""

    kind = "inputs"
    allowed_on = _KNOWN
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.PAUSE, "Show what was asked for.", _TYPE + "Inputs\nfilter:\n  exclude: [internal_id]"),
    )

    filter: NameFilter = Field(default_factory=NameFilter, title="Which of them.")


class Outputs(AppBlock, Documented):
    """What the flow gave; files with a preview and a download."""

    kind = "outputs"
    allowed_on = _KNOWN
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.SUCCESS, "Show the result.", _TYPE + "Outputs\nfilter:\n  include: [report]"),
    )

    filter: NameFilter = Field(default_factory=NameFilter, title="Which of them.")


class TaskOutput(PluginModel):
    """A value to show, taken from what tasks gave."""

    display_name: Annotated[str, StringConstraints(min_length=1)] = Field(title="The name people see.")
    description: str | None = Field(default=None, title="What it is.")
    value: str = Field(title="The expression that gives it.")
    type: InputType = Field(title="How it is shown.")


class TaskOutputs(AppBlock, Documented):
    """Values that tasks gave."""

    kind = "task_outputs"
    allowed_on = frozenset({AppEvent.RUNNING, AppEvent.PAUSE, AppEvent.RESUME, AppEvent.SUCCESS})
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(
            AppEvent.PAUSE,
            "Show what was found before it is approved.",
            _TYPE
            + 'TaskOutputs\noutputs:\n  - displayName: Rows\n    type: INT\n    value: "{{ outputs.query.size }}"',
        ),
    )

    outputs: Annotated[list[TaskOutput], Field(min_length=1, title="The values, in order.")]


class LogFilter(PluginModel):
    """Which lines are shown."""

    log_level: Level = Field(default=Level.INFO, title="The least level.")
    task_ids: list[str] = Field(default_factory=list, title="Only lines of these tasks; all when empty.")


class Logs(AppBlock, Documented):
    """The execution's log, with a download."""

    kind = "logs"
    allowed_on = frozenset(
        {
            AppEvent.RUNNING,
            AppEvent.PAUSE,
            AppEvent.RESUME,
            AppEvent.SUCCESS,
            AppEvent.FAILURE,
            AppEvent.FALLBACK,
        }
    )
    examples: ClassVar[tuple[Example, ...]] = (
        shown_on(AppEvent.FAILURE, "Show what went wrong.", _TYPE + "Logs\nfilter:\n  logLevel: WARN"),
    )

    filter: LogFilter = Field(default_factory=LogFilter, title="Which lines.")
