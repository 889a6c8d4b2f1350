"""Set: stores values in a state."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from apps.workflows.builtin_plugins.state.state_key import StateTask, merged
from apps.workflows.plugin_api.documented import Documented, Example
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Output


class SetOutput(Output):
    """What Set gives."""

    count: int = Field(title="The number of values the state holds now.")
    key: str = Field(title="The key of the KV pair it is kept in.")


class Set(StateTask, Documented):
    """Store values in a state, beside those it holds.

    A state is kept from one execution of the flow to the next.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Remember the last execution.",
            """
id: remember
namespace: company.team
tasks:
  - id: set
    type: io.kestra.plugin.core.state.Set
    data:
      last: "{{ execution.id }}"
""",
        ),
    )

    data: dict[str, Any] | None = Field(default=None, title="The values; rendered.")

    def run(self, context: RunContext) -> SetOutput:
        key = self.key(context)
        state = merged(self.read(context, key) or {}, context.render_tree(self.data or {}))
        context.kv().set(key, state)
        return SetOutput(count=len(state), key=key)
