"""Delete: removes a KV pair."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.kv.key import check_key
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output, RunnableTask


class DeleteOutput(Output):
    """What Delete gives."""

    deleted: bool = Field(title="Whether there was such a pair.")


class Delete(RunnableTask, Documented):
    """Remove a KV pair."""

    light: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Forget a value.",
            """
id: forget
namespace: company.team
tasks:
  - id: forget
    type: io.kestra.plugin.core.kv.Delete
    key: last_run
""",
        ),
    )

    key: str = Field(title="The key; rendered.")
    namespace: str = Field(default="{{ flow.namespace }}", title="The namespace of the pair; rendered.")
    error_on_missing: bool = Field(default=False, title="Whether the task fails when there is no such pair.")

    def run(self, context: RunContext) -> DeleteOutput:
        key = check_key(context.render(self.key))
        namespace = context.render(self.namespace)
        deleted = context.kv(namespace).delete(key)
        if not deleted and self.error_on_missing:
            raise TaskFailed(
                f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
            )
        return DeleteOutput(deleted=deleted)
