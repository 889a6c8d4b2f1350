"""TemplatedTask: runs a task whose YAML is written by an expression."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, ValidationError

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import MissingLibrary, TaskFailed, UnknownType
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.registry import plugin_class
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask
from apps.workflows.plugin_api.yaml_value import parse_yaml


class TemplatedTask(RunnableTask, Documented):
    """Run a task whose YAML is written by an expression.

    Its outputs are those of that task, which must be one that a worker runs.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Choose the type of the task by a variable.",
            """
id: templated
namespace: company.team
variables:
  type: io.kestra.plugin.core.debug.Return
tasks:
  - id: chosen
    type: io.kestra.plugin.core.templating.TemplatedTask
    spec: |
      type: {{ vars.type }}
      format: Hello
""",
        ),
    )

    spec: str = Field(title="The YAML of one task; rendered.")

    def run(self, context: RunContext) -> Output | dict[str, Any] | None:
        return self._task(context).run(context)

    def _task(self, context: RunContext) -> RunnableTask:
        try:
            spec = parse_yaml(context.render(self.spec))
        except ValueError as error:
            raise TaskFailed(f"The rendered `spec` is no YAML: {error}") from error
        if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
            raise TaskFailed("The rendered `spec` must be the YAML of one task, with its `type`")
        found = _class(spec["type"])
        if not issubclass(found, RunnableTask):
            raise TaskFailed("The templated task must be a runnable task")
        if issubclass(found, TemplatedTask):
            raise TaskFailed(f"The templated task cannot be of type '{spec['type']}'")
        try:
            return found.model_validate({"id": self.id, **spec})
        except ValidationError as error:
            raise TaskFailed(f"The rendered `spec` is no task of type {spec['type']}: {error}") from error


def _class(type_name: str) -> type[PluginModel]:
    try:
        return plugin_class(type_name)
    except UnknownType as error:
        guess = f", did you mean {error.nearest}?" if error.nearest else ""
        raise TaskFailed(f"{error}{guess}") from error
    except MissingLibrary as error:
        raise TaskFailed(str(error)) from error
