"""Target: which execution a task is about: its own unless another one is named."""

from __future__ import annotations

from pydantic import Field

from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask


class ExecutionTask(RunnableTask):
    """Base of the tasks on one execution."""

    namespace: str | None = Field(
        default=None, title="The namespace of that execution's flow; needed in no case, checked when given; rendered."
    )
    flow_id: str | None = Field(
        default=None, title="The flow of that execution; given together with `namespace`; rendered."
    )
    execution_id: str | None = Field(default=None, title="The execution; the task's own unless given; rendered.")

    def check(self) -> list[str]:
        if self.execution_id is None and (self.namespace is not None or self.flow_id is not None):
            return ["`namespace` and `flowId` should only be set when `executionId` is set."]
        if (self.namespace is None) is not (self.flow_id is None):
            return ["Both `namespace` and `flowId` must be set when `executionId` is set."]
        return []

    def target(self, context: RunContext) -> tuple[str, tuple[str, str] | None]:
        """The id of the execution and, when they are given, its namespace and flow. TaskFailed."""
        if problems := self.check():
            raise TaskFailed(problems[0])
        if self.execution_id is None:
            return context.execution_id, None
        if self.namespace is None or self.flow_id is None:
            return context.render(self.execution_id), None
        return context.render(self.execution_id), (context.render(self.namespace), context.render(self.flow_id))
