"""GetKeys: lists the keys of a namespace's KV pairs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class GetKeysOutput(Output):
    """What GetKeys gives."""

    keys: list[str] = Field(title="The keys, in order.")


class GetKeys(RunnableTask, Documented):
    """List the keys of KV pairs, all or those with a prefix."""

    light: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Visit all customers.",
            """
id: customers
namespace: company.team
tasks:
  - id: keys
    type: io.kestra.plugin.core.kv.GetKeys
    prefix: customer_
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: "{{ outputs.keys.keys }}"
    tasks:
      - id: say
        type: io.kestra.plugin.core.log.Log
        message: "{{ taskrun.value }}"
""",
        ),
    )

    prefix: str | None = Field(default=None, title="Only keys that begin so; rendered.")
    namespace: str = Field(default="{{ flow.namespace }}", title="The namespace of the pairs; rendered.")

    def run(self, context: RunContext) -> GetKeysOutput:
        prefix = context.render(self.prefix) if self.prefix is not None else ""
        return GetKeysOutput(keys=context.kv(context.render(self.namespace)).keys(prefix))
