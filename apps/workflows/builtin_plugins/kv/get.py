"""Get: reads a KV pair."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.kv.key import check_key
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class GetOutput(Output):
    """What Get gives."""

    value: Any = Field(default=None, title="The value; null when there is none.")


class Get(RunnableTask, Documented):
    """Read the value of a KV pair.

    A pair that is missing or has expired gives null, or fails the task with `errorOnMissing`.
    """

    light: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Show when the flow last ran.",
            """
id: recall
namespace: company.team
tasks:
  - id: last
    type: io.kestra.plugin.core.kv.Get
    key: last_run
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.last.value ?? 'never' }}"
""",
        ),
    )

    key: str = Field(title="The key; rendered.")
    namespace: str = Field(default="{{ flow.namespace }}", title="The namespace of the pair; rendered.")
    error_on_missing: bool = Field(default=False, title="Whether the task fails when there is no such pair.")

    def run(self, context: RunContext) -> GetOutput:
        key = check_key(context.render(self.key))
        namespace = context.render(self.namespace)
        try:
            return GetOutput(value=context.kv(namespace).get(key))
        except KeyError as error:
            if not self.error_on_missing:
                return GetOutput()
            raise TaskFailed(
                f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
            ) from error
