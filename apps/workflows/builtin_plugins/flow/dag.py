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
        if circular := _circular(needs):
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


def _circular(needs: dict[str, list[str]]) -> list[str]:
    """The ids that wait for each other, in order: what is left when all that can start and all ends are taken away."""
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in needs.items():
        for other in needed:
            users[other].append(name)
    left = _without_free(set(needs), needs, users)
    left = _without_free(left, users, needs)
    return [name for name in needs if name in left]


def _without_free(names: set[str], waits_for: dict[str, list[str]], frees: dict[str, list[str]]) -> set[str]:
    left = set(names)
    open_needs = {name: sum(other in left for other in waits_for[name]) for name in left}
    free = [name for name, count in open_needs.items() if count == 0]
    while free:
        name = free.pop()
        left.discard(name)
        for other in frees[name]:
            if other in left:
                open_needs[other] -= 1
                if open_needs[other] == 0:
                    free.append(other)
    return left
