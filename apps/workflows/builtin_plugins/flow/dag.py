"""Dag: tasks that start when those they depend on have ended."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.frame import FrameSpec, Lanes
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.typed import AnyTask, BranchingTask


class DagTask(PluginModel):
    """A task of a Dag and the ids of those it waits for."""

    task: AnyTask = Field(title="The task.")
    depends_on: list[str] = Field(default_factory=list, title="Ids of the tasks that must have ended before.")


class Dag(BranchingTask, Documented):
    """Run tasks in the order of their dependencies, at the same time where these allow it."""

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Two loads after one extract.",
            """
id: load
namespace: company.team
tasks:
  - id: load
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task:
          id: extract
          type: io.kestra.plugin.core.log.Log
          message: extract
      - task:
          id: customers
          type: io.kestra.plugin.core.log.Log
          message: customers
        dependsOn: [extract]
      - task:
          id: orders
          type: io.kestra.plugin.core.log.Log
          message: orders
        dependsOn: [extract]
""",
        ),
    )

    tasks: Annotated[list[DagTask], Field(title="The tasks with their dependencies.")]
    concurrent: Annotated[int, Field(ge=0, title="How many may run at once; 0 for no limit.")] = 0

    def check(self) -> list[str]:
        if not self.tasks:
            return ["No task defined"]
        needs = {node.task.id: node.depends_on for node in self.tasks}
        unknown = dict.fromkeys(name for names in needs.values() for name in names if name not in needs)
        if unknown:
            return [f"Not existing task id in dependency: {', '.join(unknown)}"]
        if circular := [name for name in needs if _reaches(name, name, needs)]:
            return [f"Cyclic dependency detected: {', '.join(circular)}"]
        return []

    def frame(self) -> FrameSpec:
        return FrameSpec(
            lanes=Lanes.GATED,
            lists={"main": tuple(node.task for node in self.tasks)},
            limit=self.concurrent,
            errors=tuple(self.errors),
            finals=tuple(self.finally_),
            depends_on={node.task.id: tuple(node.depends_on) for node in self.tasks},
        )


def _reaches(start: str, target: str, needs: dict[str, list[str]]) -> bool:
    waiting, seen = list(needs[start]), set[str]()
    while waiting:
        name = waiting.pop()
        if name == target:
            return True
        if name not in seen:
            seen.add(name)
            waiting += needs[name]
    return False
