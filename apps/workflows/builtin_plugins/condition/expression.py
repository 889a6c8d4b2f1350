"""Expression: whether an expression gives something."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from apps.workflows.plugin_api.condition import Asked, Condition
from apps.workflows.plugin_api.documented import Documented, Example


class Expression(Condition, Documented):
    """Whether the text of an expression is neither blank nor `false`."""

    on_schedule: ClassVar[bool] = True
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Only when a pair of the key-value store says so.",
            """
id: expression
namespace: company.team
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "Now"
triggers:
  - id: daily
    type: io.kestra.plugin.core.trigger.Schedule
    cron: "0 9 * * *"
    conditions:
      - type: io.kestra.plugin.core.condition.Expression
        expression: "{{ kv('switch', errorOnMissing=false) == 'on' }}"
""",
        ),
    )

    expression: str = Field(title="The expression.")

    def holds(self, asked: Asked) -> bool:
        return says_yes(asked.renderer.render(self.expression))

    def seen(self, asked: Asked) -> str:
        return asked.renderer.render(self.expression)


def says_yes(text: str) -> bool:
    """Anything but a blank text and ``false``: also ``0``."""
    return text.strip() not in ("", "false")
