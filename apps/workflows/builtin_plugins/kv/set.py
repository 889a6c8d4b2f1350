"""Set: stores a KV pair."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.kv.key import check_key
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.duration import Duration
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import RunnableTask


class KvType(StrEnum):
    """The types of values of KV pairs."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    DATE = "DATE"
    DURATION = "DURATION"
    JSON = "JSON"


class Set(RunnableTask, Documented):
    """Store a KV pair.

    A value that is one expression keeps its type; with `kvType` a text is converted.
    """

    light: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Remember when the flow last ran, for a week.",
            """
id: remember
namespace: company.team
tasks:
  - id: remember
    type: io.kestra.plugin.core.kv.Set
    key: last_run
    value: "{{ execution.startDate }}"
    kvType: DATETIME
    ttl: P7D
""",
        ),
    )

    key: str = Field(title="The key; rendered.")
    value: str = Field(title="The value; rendered, an expression alone keeps its type.")
    namespace: str = Field(default="{{ flow.namespace }}", title="The namespace of the pair; rendered.")
    overwrite: bool = Field(default=True, title="Whether a pair that exists is replaced; else the task fails.")
    ttl: Duration | None = Field(default=None, title="How long the pair lives.")
    kv_type: KvType | None = Field(default=None, title="The type a text is converted to.")

    def run(self, context: RunContext) -> None:
        key = check_key(context.render(self.key))
        store = context.kv(context.render(self.namespace))
        try:
            store.set(
                key,
                context.render_typed(self.value),
                kv_type=self.kv_type,
                ttl=self.ttl,
                overwrite=self.overwrite,
            )
        except FileExistsError as error:
            raise TaskFailed(
                f"Cannot set value for key '{key}'. Key already exists and `overwrite` is set to `false`."
            ) from error
