"""Fields that hold any plugin: the class is found by the ``type:`` that was written, its own checks apply.

``list[AnyTask]`` in a model accepts maps and tasks, keeps the concrete class (also when it is written back to JSON),
and an error inside a nested task carries its whole path, as for any other field.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SerializeAsAny

from apps.workflows.plugin_api.by_type import ByType
from apps.workflows.plugin_api.condition import AnyCondition
from apps.workflows.plugin_api.task import FlowableTask, Task
from apps.workflows.plugin_api.task_runner import TaskRunner
from apps.workflows.plugin_api.trigger import Trigger

__all__ = ["AnyCondition", "AnyTask", "AnyTaskRunner", "AnyTrigger", "BranchingTask"]

AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(ByType(Task, "task"))]
AnyTrigger = Annotated[SerializeAsAny[Trigger], BeforeValidator(ByType(Trigger, "trigger"))]
AnyTaskRunner = Annotated[SerializeAsAny[TaskRunner], BeforeValidator(ByType(TaskRunner, "task runner"))]


class BranchingTask(FlowableTask):
    """Base of the flowable tasks: their local ``errors`` and ``finally`` are tasks like any others."""

    errors: list[AnyTask] = Field(
        default_factory=list, title="Tasks that run when a task of this block has failed for good."
    )
    finally_: list[AnyTask] = Field(
        default_factory=list, alias="finally", title="Tasks that run at the end of this block, whatever its outcome."
    )
